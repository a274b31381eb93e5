/**
 * Frames a second of late: over the last third of the time, so that what a machine does now counts and one hard scene does not. Pure.
 */
const SHARE_OF_TIME = 1 / 3
const SECONDS_MIN = 8
const SECONDS_MAX = 120
/** Steps of the window: more say no more. */
const STEP_SECONDS = 1

export class FrameRate {
  #began: number
  #samples: { readonly at: number; readonly frames: number }[]

  /** @param now seconds @param frames that are there already */
  constructor(now: number, frames: number) {
    this.#began = now
    this.#samples = [{ at: now, frames }]
  }

  /** @param frames by now; fewer than before where some were lost @returns frames a second */
  update(now: number, frames: number): number {
    // Until the first frames come nothing is slow: encoders and sources start.
    if (this.#samples.length === 1 && frames === this.#samples[0]?.frames) {
      this.#began = now
      this.#samples = [{ at: now, frames }]
      return 0
    }
    const elapsed = now - this.#began
    const from = now - Math.min(SECONDS_MAX, Math.max(SECONDS_MIN, elapsed * SHARE_OF_TIME))
    const firstWithin = this.#samples.findIndex(({ at }) => at >= from)
    // One of before the window, from which it is counted.
    if (firstWithin > 1) this.#samples = this.#samples.slice(firstWithin - 1)
    const newest = this.#samples.at(-1)
    if (newest === undefined || now - newest.at >= STEP_SECONDS) this.#samples.push({ at: now, frames })
    const oldest = this.#samples[0] ?? { at: now, frames }
    const seconds = now - oldest.at
    return seconds <= 0 ? 0 : Math.max(0, frames - oldest.frames) / seconds
  }
}
