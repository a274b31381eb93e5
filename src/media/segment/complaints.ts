/** What ffmpeg says on standard error about the source while it decodes: a sign that pictures may be wrong. */

/**
 * The demuxer of mp4 and mov has all their names at once, and is of the source; over http its bytes come, in as many answers as it
 * takes.
 */
const MUXERS_AND_FILTERS = /^(mp4|mov|ipod|http)$|^(vost#|enc:|out#|Parsed_|swscaler)/

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
    return speaker !== this.#encoder && !MUXERS_AND_FILTERS.test(speaker)
  }
}
