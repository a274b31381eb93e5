/** How fast a slot encodes what it is at: an average of the last seconds, from the frames that it reports. */

/** What it reported this long ago counts a third. */
const MEMORY_SECONDS = 4
/** Reports come about once a second; silence longer than this is taken for slowness. */
const SILENCE_SECONDS = 3

export class Speedometer {
  readonly #began: number
  #frames = 0
  /** Of the last report, in seconds. */
  #at: number
  #framesPerSecond: number | undefined

  /** @param now seconds */
  constructor(now: number) {
    this.#began = now
    this.#at = now
  }

  get frames(): number {
    return this.#frames
  }

  /** @param frames encoded since the beginning; fewer than before: it has begun again, from further back */
  report(frames: number, now: number): void {
    const seconds = now - this.#at
    if (frames === this.#frames || seconds <= 0) return
    if (frames > this.#frames && this.#frames > 0) {
      const latest = (frames - this.#frames) / seconds
      const weight = 1 - Math.exp(-seconds / MEMORY_SECONDS)
      const before = this.#framesPerSecond ?? latest
      this.#framesPerSecond = before + weight * (latest - before)
    }
    this.#frames = frames
    this.#at = now
  }

  /**
   * Frames a second as far as it can be told. Before two reports, what was `expected`; where a report is long due, less and less.
   *
   * @param expected of the slot, from its tasks before
   */
  at(now: number, expected: number): number {
    const silent = now - this.#at
    const speed = this.#framesPerSecond ?? expected
    return silent <= SILENCE_SECONDS ? speed : (speed * SILENCE_SECONDS) / silent
  }

  /** Seconds by which a report is overdue. */
  overdue(now: number): number {
    return Math.max(0, now - this.#at - SILENCE_SECONDS)
  }

  /** Seconds since the beginning. */
  age(now: number): number {
    return now - this.#began
  }
}
