/** The scheduler: who encodes which frames next, and what is done twice. Pure: no clock, no network, no files. */
export { ATTEMPTS_MAX, Scheduler } from './scheduler.ts'
export type { SchedulePolicy } from './sizing.ts'
export type { Assignment, Carver, Consequence, FailureKind, Piece, Stretch } from './types.ts'
