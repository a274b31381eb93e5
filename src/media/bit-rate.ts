/** How many bytes of a stream fall into each stretch of its time. */
import { type Rational, toSeconds } from './rational.ts'

export interface BitRate {
  /** Of each stretch. */
  readonly seconds: number
  /** By stretch, the first of which begins with the earliest packet's second. */
  readonly bytes: readonly number[]
}

export class BytesBySecond {
  readonly #timeBase: Rational
  readonly #bytes = new Map<number, number>()

  constructor(timeBase: Rational) {
    this.#timeBase = timeBase
  }

  add(pts: bigint, sizeBytes: number): void {
    const second = Math.floor(toSeconds(pts, this.#timeBase))
    this.#bytes.set(second, (this.#bytes.get(second) ?? 0) + sizeBytes)
  }

  /** @param most so many stretches, each of whole seconds */
  toBitRate(most: number): BitRate {
    let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (const second of this.#bytes.keys()) {
      first = Math.min(first, second)
      last = Math.max(last, second)
    }
    if (this.#bytes.size === 0) return { seconds: 1, bytes: [] }
    const seconds = Math.ceil((last - first + 1) / most)
    const bytes = Array.from({ length: Math.ceil((last - first + 1) / seconds) }, () => 0)
    for (const [second, count] of this.#bytes) {
      const place = Math.floor((second - first) / seconds)
      bytes[place] = (bytes[place] ?? 0) + count
    }
    return { seconds, bytes }
  }
}
