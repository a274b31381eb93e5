/**
 * Which coordinator gets a slot: pure, with the clock passed in. None is promised anything, but who had less of this worker's time
 * lately goes first where several want it.
 */

/** What was used this long ago counts a third. */
const MEMORY_SECONDS = 60
/** Who was refused asks again within this time, or wants no more. */
const PATIENCE_SECONDS = 4

interface Account {
  /** Slot seconds, fading. */
  used: number
  tasks: number
  /** Up to when `used` is counted. */
  at: number
  refusedAt: number
}

export class FairShare {
  readonly #slots: () => number
  readonly #accounts = new Map<string, Account>()

  /** @param slots how many there are at the moment */
  constructor(slots: () => number) {
    this.#slots = slots
  }

  /** Tasks at hand. */
  get tasks(): number {
    let sum = 0
    for (const { tasks } of this.#accounts.values()) sum += tasks
    return sum
  }

  /** Tasks at hand by coordinator, the most first. */
  get serving(): [coordinator: string, tasks: number][] {
    return [...this.#accounts]
      .flatMap(([coordinator, { tasks }]): [string, number][] => (tasks === 0 ? [] : [[coordinator, tasks]]))
      .sort(([, a], [, b]) => b - a)
  }

  /**
   * One task for each slot, and one more for a coordinator whose task is nearly done: it starts meanwhile.
   *
   * @param now seconds
   * @param ending how many of the coordinator's tasks are nearly done
   */
  admits(coordinator: string, now: number, ending = 0): boolean {
    this.#count(now)
    const own = this.#account(coordinator, now)
    const others = [...this.#accounts.values()].filter((account) => account !== own)
    const waiting = others.filter(({ refusedAt }) => now - refusedAt < PATIENCE_SECONDS)
    const isTurn = this.#isTurn(own.tasks - ending, own.used, others, waiting)
    const isAdmitted = this.tasks < this.#slots() + ending && (waiting.length === 0 || isTurn)
    own.refusedAt = isAdmitted ? Number.NEGATIVE_INFINITY : now
    return isAdmitted
  }

  /** Up to the same number of slots for each; what cannot be divided is for who had less. */
  #isTurn(tasks: number, used: number, others: readonly Account[], waiting: readonly Account[]): boolean {
    const active = others.filter((other) => other.tasks > 0 || waiting.includes(other)).length + 1
    const fair = this.#slots() / active
    return tasks + 1 <= fair || (tasks < fair && waiting.every((other) => other.used >= used))
  }

  begin(coordinator: string, now: number): void {
    this.#count(now)
    this.#account(coordinator, now).tasks++
  }

  end(coordinator: string, now: number): void {
    this.#count(now)
    this.#account(coordinator, now).tasks--
  }

  #account(coordinator: string, at: number): Account {
    const known = this.#accounts.get(coordinator)
    if (known !== undefined) return known
    const account = { used: 0, tasks: 0, at, refusedAt: Number.NEGATIVE_INFINITY }
    this.#accounts.set(coordinator, account)
    return account
  }

  #count(now: number): void {
    for (const [coordinator, account] of this.#accounts) {
      const seconds = now - account.at
      account.used = account.used * Math.exp(-seconds / MEMORY_SECONDS) + account.tasks * seconds
      account.at = now
      const isForgotten = account.used < 0.1 && now - account.refusedAt > PATIENCE_SECONDS
      if (account.tasks === 0 && isForgotten) this.#accounts.delete(coordinator)
    }
  }
}
