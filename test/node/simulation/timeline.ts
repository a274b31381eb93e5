/** Virtual time: what is to happen, in its order. */
export class Timeline {
  /** A binary heap by time, then by order of entry. */
  readonly #events: { at: number; order: number; act: () => void }[] = []
  #order = 0
  now = 0

  at(time: number, act: () => void): void {
    const events = this.#events
    events.push({ at: time, order: this.#order++, act })
    for (let place = events.length - 1; place > 0; ) {
      const parent = (place - 1) >> 1
      if (!this.#isBefore(place, parent)) return
      this.#swap(place, parent)
      place = parent
    }
  }

  in(seconds: number, act: () => void): void {
    this.at(this.now + seconds, act)
  }

  /** Lets the next thing happen, and all that happens at the same time. @returns false where nothing is left */
  step(): boolean {
    const first = this.#take()
    if (first === undefined) return false
    this.now = Math.max(this.now, first.at)
    first.act()
    while (this.#events[0]?.at === first.at) this.#take()?.act()
    return true
  }

  #take(): { at: number; act: () => void } | undefined {
    const events = this.#events
    const first = events[0]
    const last = events.pop()
    if (first === undefined || last === undefined || events.length === 0) return first
    events[0] = last
    for (let place = 0; ; ) {
      const children = [2 * place + 1, 2 * place + 2].filter((child) => child < events.length)
      const least = children.reduce((best, child) => (this.#isBefore(child, best) ? child : best), place)
      if (least === place) return first
      this.#swap(place, least)
      place = least
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#events[one], this.#events[other]]
    if (a === undefined || b === undefined) return false
    return a.at < b.at || (a.at === b.at && a.order < b.order)
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#events[one], this.#events[other]]
    if (a === undefined || b === undefined) return
    this.#events[one] = b
    this.#events[other] = a
  }
}
