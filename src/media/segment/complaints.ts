/** What ffmpeg says on standard error about the source while it decodes: a sign that pictures may be wrong. */

/** Counts complaints of demuxer, parser and decoder; what an encoder or a muxer says is no matter of the source. */
export class Complaints {
  readonly #encoder: string | undefined
  #count = 0
  #lastCounted = false

  /** @param video the encoder's options, if there is one beside the decoder */
  constructor(video: readonly string[] = []) {
    const encoder = video[video.findLastIndex((word) => /^-(c|codec|vcodec)(:v.*)?$/.test(word)) + 1]
    // A built-in encoder can have its decoder's name, and then nobody can tell whose word it is.
    this.#encoder = encoder?.startsWith('lib') ? encoder : undefined
  }

  get count(): number {
    return this.#count
  }

  /** @param line of `-v error` */
  read(line: string): void {
    const repeated = /^\s*Last message repeated (\d+) times/.exec(line)?.[1]
    if (repeated !== undefined) {
      if (this.#lastCounted) this.#count += Number(repeated)
      return
    }
    this.#lastCounted = this.#isAboutSource(line)
    if (this.#lastCounted) this.#count++
  }

  #isAboutSource(line: string): boolean {
    const speaker = /^\[([^\]]+?) @ 0x/.exec(line)?.[1]
    if (speaker === undefined) return /^Error while decoding/.test(line)
    return speaker !== this.#encoder && !/^(mp4|mov|vost#|enc:|out#|Parsed_|swscaler)/.test(speaker)
  }
}
