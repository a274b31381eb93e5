/** Slots, what they are at, and when that will be done as far as it can be told. */
import type { Speedometer } from './speed.ts'
import type { Assignment, Piece } from './types.ts'
import type { Work } from './work.ts'

/** From the assignment of a task to its first frame: what a second try at it costs beside its encoding. */
export const START_SECONDS = 0.5

export interface Slot<Task extends Piece> {
  readonly peer: string
  /** Frames per second, of its tasks; undefined before the first. */
  rate: number | undefined
  /** What it encodes; then what it is to encode next, which starts already. */
  readonly attempts: Attempt<Task>[]
  /** Segments that are encoded and on their way here. */
  waiting: number
  failures: number
  /** Not before this time is it given anything. */
  restUntil: number
  /** It is there for what others fail at, and for nothing else. */
  readonly isRescuer: boolean
}

export interface Attempt<Task extends Piece> extends Assignment<Task> {
  readonly slot: Slot<Task>
  readonly work: Work<Task>
  readonly speed: Speedometer
  /** Of the segment's way here, counted in frames; undefined until it is encoded. */
  bringing: Speedometer | undefined
}

export function newSlot<Task extends Piece>(peer: string, rate: number | undefined): Slot<Task> {
  return { ...{ peer, rate, attempts: [], waiting: 0, failures: 0, restUntil: 0 }, isRescuer: false }
}

export function leave<Task extends Piece>(attempt: Attempt<Task>): void {
  const { attempts } = attempt.slot
  const at = attempts.indexOf(attempt)
  if (at >= 0) attempts.splice(at, 1)
}

/** Until an attempt's frames are encoded, as far as it can be told. */
export function encodingSeconds<Task extends Piece>(
  { slot, task, speed }: Attempt<Task>,
  now: number,
  usual: number,
): number {
  return secondsUntil(task.frames, speed, { now, expected: slot.rate ?? usual })
}

/** More than encoders look ahead: who has been silent for a time has encoded no more in it. */
const AHEAD_FRAMES = 120

/** @param expected frames a second before anything was reported */
export function secondsUntil(
  frames: number,
  speed: Speedometer,
  { now, expected }: { now: number; expected: number },
): number {
  const left = Math.max(0, frames - speed.frames)
  // Who has been silent for long will be for as long again.
  if (speed.frames > 0) return Math.max(left / Math.max(speed.at(now, expected), 1e-9), speed.overdue(now))
  // Nothing was reported yet: decoding may begin far back, and an encoder keeps some frames before it gives the first.
  const age = speed.age(now)
  const atExpected = frames / expected + START_SECONDS - age
  return Math.max(atExpected, age / 3, (frames * age) / AHEAD_FRAMES)
}
