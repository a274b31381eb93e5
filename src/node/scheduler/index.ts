/** The scheduler: who encodes which frames next, and what is done twice. Pure: no clock, no network, no files. */
export { ATTEMPTS_MAX, PEER_FAILURES_MAX, REST_SECONDS, Scheduler, type Settled } from './scheduler.ts'
export type { SchedulePolicy } from './sizing.ts'
export type { Assignment, Carver, Consequence, FailureKind, Piece, Stretch } from './types.ts'
