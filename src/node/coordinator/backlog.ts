/** What nobody is at: tasks that came back from a failed attempt, and the film that is in no task yet. */
import type { SegmentPlan, Task } from './plan.ts'

export interface PendingTask {
  readonly task: Task
  /** That failed, and not because a peer was busy or gone. */
  readonly attempts: number
  /** Peers that could not do it. */
  readonly failed: ReadonlySet<string>
}

export class Backlog {
  readonly #plan: SegmentPlan
  readonly #returned: PendingTask[] = []

  constructor(plan: SegmentPlan) {
    this.#plan = plan
  }

  get isEmpty(): boolean {
    return this.#returned.length === 0 && this.uncarvedFrames === 0
  }

  get uncarvedFrames(): number {
    return this.#plan.uncarvedFrames
  }

  giveBack(pending: PendingTask): void {
    this.#returned.push(pending)
  }

  /**
   * The first that came back and that this peer can be tried with: one that it failed at only if so did all others.
   *
   * @param peers all that could do it
   */
  takeReturned(peer: string, peers: readonly string[]): PendingTask | undefined {
    const place = this.#returned.findIndex(
      ({ failed }) => !failed.has(peer) || peers.every((other) => failed.has(other)),
    )
    return place < 0 ? undefined : this.#returned.splice(place, 1)[0]
  }

  /** A new task, of about `frames` frames; undefined when the whole film is in tasks. */
  carve(frames: number): PendingTask | undefined {
    const task = this.#plan.carve(frames)
    return task === undefined ? undefined : { task, attempts: 0, failed: new Set() }
  }
}
