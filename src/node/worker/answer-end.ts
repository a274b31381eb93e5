/**
 * How much of a source is handed to an ffmpeg in one answer. What lies in the system's buffers when it has enough was sent over the
 * network in vain, a megabyte as a rule: so an answer ends where it should have enough, and if it has not it asks on.
 */

/** Half-open, in bytes. */
export type Range = readonly [start: number, end: number]

/** Of what nobody counted with: a file's beginning, its index, what a decoder wants behind its segment. */
const FIRST_BYTES = 64 * 1024

export class AnswerEnds {
  readonly #needed: Range | undefined
  readonly #endOfKnown: (offset: number) => number
  /** Where the answer before ended, and how many bytes have been handed on from one to the next. */
  #end = 0
  #inOne = 0

  /**
   * @param needed what it should read; undefined: nobody knows
   * @param endOfKnown how far beyond a place bytes are here already, which cost nothing
   */
  constructor(needed: Range | undefined, endOfKnown: (offset: number) => number) {
    this.#needed = needed
    this.#endOfKnown = endOfKnown
  }

  /**
   * @param limit the end of what was asked for
   * @returns where the answer is to end: at least a byte behind `start`, and no further than `limit`
   */
  next(start: number, limit: number): number {
    if (start !== this.#end) this.#inOne = 0
    const [from, to] = this.#needed ?? [0, 0]
    const isNeeded = from <= start && start < to
    // Whoever reads on and on needs it, whatever was thought.
    const wanted = isNeeded ? to : start + Math.max(FIRST_BYTES, this.#inOne)
    const end = Math.min(limit, this.#endOfKnown(wanted))
    this.#end = end
    if (!isNeeded) this.#inOne += end - start
    return end
  }
}
