/** Tries something until it succeeds: after a first delay, then at growing intervals, not in step with other nodes. */

import { setTimeout as sleep } from 'node:timers/promises'

export interface RedialInit {
  /** One attempt; it fails by throwing. */
  attempt(signal: AbortSignal): Promise<void>
  /** Before the first attempt. */
  delayMs: number
  /** Give up after this many failures. Default: never. */
  attemptsMax?: number
  /** Called once when it has succeeded or given up, not when it was stopped. */
  onEnd(): void
  /** A number in [0, 1), for the jitter. */
  random(): number
}

const INTERVAL_MIN_MS = 500
const INTERVAL_MAX_MS = 30_000

export class Redial {
  readonly #init: RedialInit
  readonly #stopped = new AbortController()
  #interval = new AbortController()
  #attempts = 0

  constructor(init: RedialInit) {
    this.#init = init
    void this.#run()
  }

  /** There is news: cuts the interval between two attempts short. The delay before the first is kept. */
  hurry(): void {
    if (this.#attempts > 0) this.#interval.abort()
  }

  stop(): void {
    this.#stopped.abort()
    this.#interval.abort()
  }

  async #run(): Promise<void> {
    await this.#wait(this.#init.delayMs)
    while (!this.#stopped.signal.aborted) {
      if (await this.#attempt()) return
      await this.#wait(redialIntervalMs(this.#attempts, this.#init.random()))
    }
  }

  /** True when this was the last. */
  async #attempt(): Promise<boolean> {
    const { attempt, attemptsMax = Number.POSITIVE_INFINITY, onEnd } = this.#init
    this.#attempts++
    try {
      await attempt(this.#stopped.signal)
    } catch {
      // Why it failed makes no difference: there will be another.
      if (this.#attempts < attemptsMax) return false
    }
    if (!this.#stopped.signal.aborted) onEnd()
    return true
  }

  async #wait(ms: number): Promise<void> {
    if (this.#stopped.signal.aborted) return
    this.#interval = new AbortController()
    await sleep(ms, undefined, { signal: this.#interval.signal }).catch(() => {})
  }
}

/** Doubles from half a second to half a minute, stretched by up to a quarter. `random` is in [0, 1). */
export function redialIntervalMs(attempts: number, random: number): number {
  const doubled = INTERVAL_MIN_MS * 2 ** Math.min(attempts - 1, 16)
  return Math.min(doubled, INTERVAL_MAX_MS) * (1 + random / 4)
}
