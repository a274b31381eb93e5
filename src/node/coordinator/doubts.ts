/** What an attempt found that puts the whole job in doubt: who says so, and what the job is to end with then. */
import { type Doubt, describeFailure, IndexInDoubt } from './attempt-failure.ts'
import { LookInDoubt } from './opening.ts'
import { StartsInDoubt } from './starts.ts'

export class Doubts<Task> {
  readonly #doubters = new Map<Task, Set<string>>()

  /**
   * One peer alone may be wrong: this node's own word counts, or that of two, or of the only one there is.
   *
   * @returns whether it is confirmed
   */
  raise(task: Task, { peer, isLocal, isOnly }: { peer: string; isLocal: boolean; isOnly: boolean }): boolean {
    const doubters = this.#doubters.get(task) ?? new Set()
    this.#doubters.set(task, doubters.add(peer))
    return isLocal || doubters.size > 1 || isOnly
  }
}

/** What the job is to end with, so that it starts again better informed. */
export function doubtOf(kind: Doubt, error: unknown): Error {
  switch (kind) {
    case 'index-in-doubt':
      return new IndexInDoubt()
    case 'look-in-doubt':
      return new LookInDoubt(describeFailure(error).detail)
    case 'starts-in-doubt':
      return new StartsInDoubt()
  }
}
