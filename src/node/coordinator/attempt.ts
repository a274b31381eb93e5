/** What one slot's try at a task is here: a process or a peer that is at it, and where its segment is to lie. */
import { formatTimeBase } from '../../media/index.ts'
import type { Assignment } from '../scheduler/index.ts'
import type { SegmentChanged } from './events.ts'
import type { Executor } from './executor.ts'
import type { Job } from './job.ts'
import type { Task } from './plan.ts'

export interface Attempt {
  readonly assignment: Assignment<Task>
  readonly executor: Executor
  readonly path: string
  /** Ends it: the peer is gone, or others were sooner. */
  readonly over: AbortController
}

/** The keyframe that gave a segment, in ticks of the source; null is the file's start. @param place in the task's `seekPts` */
export function decodedFrom({ seekPts }: Pick<Task, 'seekPts'>, place: number): number | null {
  const pts = seekPts[place]
  return pts === undefined ? null : Number(pts)
}

export function segmentEvent(
  { film }: Pick<Job, 'film'>,
  { executor, assignment: { task, number } }: Pick<Attempt, 'executor' | 'assignment'>,
  state: SegmentChanged['state'],
  more: Partial<SegmentChanged> = {},
): SegmentChanged {
  return {
    event: 'segment',
    index: task.index,
    startPts: Number(task.firstPts),
    endPts: Number(task.lastPts),
    timeBase: formatTimeBase(film.timing.source),
    peer: executor.peer,
    attempt: number,
    first: task.first,
    frames: task.frames,
    ...more,
    state,
  }
}
