/** Who is at what: a slot can encode one segment at a time, an attempt is one slot's try at one task. */
import { formatTimeBase } from '../../media/index.ts'
import type { SlotView } from '../scheduler.ts'
import type { PendingTask } from './backlog.ts'
import type { SegmentChanged } from './events.ts'
import type { Executor } from './executor.ts'
import type { Job } from './job.ts'

export interface Slot {
  readonly executor: Executor
  readonly gone: AbortController
  /** Frames per second; undefined before its first task. */
  rate: number | undefined
  /** What it encodes; an attempt outlives its time here, while its segment is brought and verified. */
  attempt: Attempt | undefined
  /** In a row. */
  failures: number
  /** Not before this time: a peer that refused or failed is given a rest. */
  restUntil: number
}

export interface Attempt {
  readonly slot: Slot
  readonly pending: PendingTask
  /** From 1. */
  readonly number: number
  /** Where its segment is to lie. */
  readonly path: string
  framesDone: number
}

export function newSlot(executor: Executor): Slot {
  return {
    executor,
    gone: new AbortController(),
    rate: undefined,
    attempt: undefined,
    failures: 0,
    restUntil: 0,
  }
}

/** A slot as the scheduler sees it. */
export function viewOf({ rate, attempt }: Slot): SlotView {
  const pendingFrames =
    attempt === undefined ? 0 : Math.max(0, attempt.pending.task.frames - attempt.framesDone)
  return { rate, pendingFrames }
}

export function segmentEvent(
  { film }: Pick<Job, 'film'>,
  { slot, pending: { task }, number }: Attempt,
  state: SegmentChanged['state'],
  more: Partial<SegmentChanged> = {},
): SegmentChanged {
  return {
    event: 'segment',
    index: task.index,
    startPts: Number(task.firstPts),
    endPts: Number(task.lastPts),
    timeBase: formatTimeBase(film.timing.source),
    peer: slot.executor.peer,
    attempt: number,
    frames: task.frames,
    ...more,
    state,
  }
}
