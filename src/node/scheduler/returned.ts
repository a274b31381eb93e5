/** Tasks that came back from an attempt, or that a peer may have in hand from before: who may try which of them. */
import type { Piece } from './types.ts'
import { isSettled, type Work } from './work.ts'

/** What so many peers have failed at, or the only one as often, is for this node to try. */
const FAILED_PEERS_MAX = 2

export class ReturnedWorks<Task extends Piece> {
  #works: Work<Task>[] = []
  /** Until then a task waits for the peer that holds it, in seconds. */
  #heldUntil = Number.NEGATIVE_INFINITY

  get isEmpty(): boolean {
    return this.#works.length === 0
  }

  add(work: Work<Task>): void {
    this.#works.push(work)
  }

  /** @param until seconds: so long each waits for its holder */
  hold(works: readonly Work<Task>[], until: number): void {
    this.#works.push(...works)
    this.#heldUntil = until
  }

  /** Nobody is to try it any more. */
  withdraw(work: Work<Task>): void {
    this.#works = this.#works.filter((other) => other !== work)
  }

  forgetSettled(): void {
    this.#works = this.#works.filter((work) => !isSettled(work))
  }

  /**
   * The first that this peer can be tried with: one that it failed at only if so did all others.
   *
   * @param peers those that may be given anything
   * @param now seconds
   */
  takeFor(peer: string, peers: ReadonlySet<string>, now: number): Work<Task> | undefined {
    const own = this.#works.find(({ holder, failedPeers }) => holder === peer && failedPeers.size === 0)
    return this.#take(
      own ??
        this.#works.find(({ failedPeers, holder }) => {
          const isHeld = holder !== undefined && failedPeers.size === 0 && now < this.#heldUntil
          const isFailed = failedPeers.has(peer) && !isFailedByAll(failedPeers, peers)
          return !isHeld && !isFailed
        }),
    )
  }

  /**
   * What others have failed at, and this one has not.
   *
   * @param peers those that may be given anything
   * @param areAllResting nobody is there to try it soon
   */
  takeRescue(
    peer: string,
    { peers, areAllResting }: { peers: ReadonlySet<string>; areAllResting: boolean },
  ): Work<Task> | undefined {
    return this.#take(
      this.#works.find(({ attempts, failedPeers }) => {
        if (failedPeers.has(peer)) return false
        if (areAllResting) return attempts > 0
        const isHopeless = failedPeers.size >= FAILED_PEERS_MAX || isFailedByAll(failedPeers, peers)
        return attempts >= FAILED_PEERS_MAX && isHopeless
      }),
    )
  }

  #take(work: Work<Task> | undefined): Work<Task> | undefined {
    if (work !== undefined) this.withdraw(work)
    return work
  }
}

function isFailedByAll(failedPeers: ReadonlySet<string>, peers: ReadonlySet<string>): boolean {
  return [...peers].every((peer) => failedPeers.has(peer))
}
