/** What the scheduler knows of the world: numbers and names, no media and no network. */

/** A piece of the film, `frames` long from its frame `first` on. */
export interface Piece {
  readonly first: number
  readonly frames: number
}

/** A half-open stretch of the film's frames that is in no task. */
export interface Stretch {
  readonly first: number
  readonly end: number
}

/** Makes a task of the front of a stretch. */
export interface Carver<Task extends Piece> {
  readonly totalFrames: number
  /** About how many more there are that nobody has seen yet; 0: none. */
  readonly unseenFrames: number
  /** About `frames` long: where a cut is cheap; at least one frame, at most the stretch. */
  carve(stretch: Stretch, frames: number): Task
}

/** One slot's try at one task. */
export interface Assignment<Task extends Piece> {
  readonly peer: string
  readonly task: Task
  /** Of this task's tries, from 1. */
  readonly number: number
}

/** `refused`, `lost`: it says nothing of the task; `other-build`: nor does this, but the peer is of no use. */
export type FailureKind = 'refused' | 'lost' | 'other-build' | 'failed'

export type Consequence =
  /** The task is to be tried again, by whoever can. */
  | 'again'
  /** So is it; the peer fails again and again, and gets nothing for a while. */
  | 'rest'
  /** The peer is left out; what else it was doing is to be tried again. */
  | 'leave-out'
  /** The task has failed too often, or nobody is left to try it. */
  | 'give-up'
