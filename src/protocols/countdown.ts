/**
 * A timer for waiting for others. It counts in looks at the clock: a process that stands still, since it was stopped or its machine
 * slept, has not waited, and finds what came meanwhile before it gives up.
 */

/** A waiting is so many of them. */
const LOOKS = 10

export class Countdown {
  readonly #ms: number
  readonly #onEnd: () => void
  #timer: NodeJS.Timeout | undefined
  #looks = 0

  /** Runs from now on. It does not keep the process. */
  constructor(ms: number, onEnd: () => void) {
    this.#ms = ms
    this.#onEnd = onEnd
    this.refresh()
  }

  /** Begins anew, unless it has ended. */
  refresh(): void {
    this.#looks = 0
    this.#timer ??= setInterval(this.#look, this.#ms / LOOKS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  readonly #look = (): void => {
    this.#looks++
    if (this.#looks < LOOKS) return
    this.stop()
    this.#onEnd()
  }
}
