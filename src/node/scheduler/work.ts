/** A task on its way to its frames: tried by one slot or several, in one piece or in parts. */
import type { Piece, Stretch } from './types.ts'

/** A task until its frames are there: by one of its attempts, or by the parts that took over from a slow one. */
export interface Work<Task extends Piece> {
  readonly task: Task
  /** What it is a part of. */
  readonly whole: Work<Task> | undefined
  attempts: number
  readonly failedPeers: Set<string>
  /** It may be at it from before the job went on. */
  readonly holder: string | undefined
  /** Set where others do it once more, in parts. */
  parts: Parts<Task> | undefined
  isDone: boolean
}

export interface Parts<Task extends Piece> {
  left: Stretch
  readonly works: Work<Task>[]
  /** Who is too slow for it, and gets no part of it either. */
  slow: string | undefined
}

export function newWork<Task extends Piece>(task: Task, whole: Work<Task> | undefined): Work<Task> {
  return {
    ...{ task, whole, attempts: 0, failedPeers: new Set<string>() },
    ...{ holder: undefined, parts: undefined, isDone: false },
  }
}

export function isEmpty({ first, end }: Stretch): boolean {
  return first >= end
}

/** Its frames are there. */
export function isComplete<Task extends Piece>({ isDone, parts }: Work<Task>): boolean {
  return isDone || (parts !== undefined && isEmpty(parts.left) && parts.works.every(isComplete))
}

/** Nobody needs to do it any more: it is there, or what it is a part of. */
export function isSettled<Task extends Piece>(work: Work<Task>): boolean {
  return isComplete(work) || (work.whole !== undefined && isSettled(work.whole))
}

export function tasksOf<Task extends Piece>(work: Work<Task>): Task[] {
  if (work.isDone) return [work.task]
  return isComplete(work) ? (work.parts?.works.flatMap(tasksOf) ?? []) : []
}
