/** A list of timestamps that arrive in decode order and are wanted in presentation order. */

// Reordering by B-frames displaces a packet by at most 16 places; anything more is a jump in the source's clock.
const DISPLACEMENT_MAX = 64

/** A growing ascending list. Packets come almost in order, so an insertion moves a few entries at most. */
export class AscendingTimes {
  #times = new BigInt64Array(4096)
  #length = 0
  #ordered = true

  insert(time: bigint): void {
    if (this.#length === this.#times.length) {
      const larger = new BigInt64Array(this.#length * 2)
      larger.set(this.#times)
      this.#times = larger
    }
    const end = this.#length++
    const lowest = Math.max(0, end - DISPLACEMENT_MAX)
    let place = end
    while (place > lowest && (this.#times[place - 1] ?? 0n) > time) {
      this.#times[place] = this.#times[place - 1] ?? 0n
      place--
    }
    this.#times[place] = time
    if (place > 0 && (this.#times[place - 1] ?? 0n) > time) this.#ordered = false
  }

  toArray(): BigInt64Array {
    const times = this.#times.slice(0, this.#length)
    return this.#ordered ? times : times.sort()
  }
}

/** The position of the first frame at or after `time`; `pts.length` where there is none. */
export function lowerBound(pts: BigInt64Array, time: bigint): number {
  let low = 0
  let high = pts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((pts[middle] ?? 0n) < time) low = middle + 1
    else high = middle
  }
  return low
}
