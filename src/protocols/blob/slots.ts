/** A fixed number of slots, given out in the order they were asked for. */

import { raceAbort } from '../deadline.ts'

export class Slots {
  readonly #queue: PromiseWithResolvers<void>[] = []
  #free: number

  constructor(count: number) {
    this.#free = count
  }

  /** Resolves with the function that gives the slot back. */
  async acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#free > 0) {
      this.#free--
      return () => this.#release()
    }
    const turn = Promise.withResolvers<void>()
    this.#queue.push(turn)
    try {
      await raceAbort(turn.promise, signal)
    } catch (err) {
      const index = this.#queue.indexOf(turn)
      // Not in the queue any more: its turn came in the same moment, and passes to the next.
      if (index === -1) this.#release()
      else this.#queue.splice(index, 1)
      throw err
    }
    return () => this.#release()
  }

  #release(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#free++
    else next.resolve()
  }
}
