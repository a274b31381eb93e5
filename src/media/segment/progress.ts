/**
 * How many frames an encoder is through with. FFmpeg tells how many it was given, which with a look ahead are dozens more, and how
 * far the packets have come that it gave back: together they tell.
 */
export class EncodingProgress {
  #given = 0
  /** Seconds of the film in packets, from some packet near the first on; undefined where FFmpeg does not say. */
  #written: number | undefined
  /** How many frames were given before the first packet came. */
  #ahead = 0
  #framesPerSecond = 0
  #last = { given: 0, frames: 0 }

  /** @returns the frames so far at the end of each report that `-progress` writes */
  read(line: string): number | undefined {
    const [name, value = ''] = line.split('=')
    switch (name) {
      case 'frame':
        this.#given = Number(value) || 0
        return undefined
      case 'out_time_us':
        this.#written = /^-?\d+$/.test(value) ? Number(value) / 1e6 : undefined
        return undefined
      case 'progress':
        return this.#report()
      default:
        return undefined
    }
  }

  #report(): number {
    const [given, written] = [this.#given, this.#written]
    if (written === undefined) return given
    if (written <= 0) this.#ahead = given
    // At the end nothing more is given, and packets go on coming.
    else if (given > this.#last.given) this.#framesPerSecond = (given - this.#ahead) / written
    const frames = Math.min(given, Math.round(Math.max(0, written) * this.#framesPerSecond))
    this.#last = { given, frames: Math.max(frames, this.#last.frames) }
    return this.#last.frames
  }
}
