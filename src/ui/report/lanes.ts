/** Which line of a chart each attempt of a node stands on: one that encodes at the same time as another has one of its own. Pure. */
import type { ReadReport } from '../../node/index.ts'

export type Attempt = NonNullable<ReadReport['work']>['attempts'][number]

export interface Placed {
  readonly attempt: Attempt
  /** From 0. */
  readonly lane: number
  /** Seconds in which it has a slot. */
  readonly began: number
  readonly ended: number
}

/**
 * A node begins with the next segment when one is encoded; that it is, is heard here a moment later. So much of two attempts may lie
 * over each other on one line.
 */
const HEARD_LATER_SECONDS = 2

/** @param end of the job, in seconds: what was under way then had its slot until then */
export function placeAttempts(attempts: readonly Attempt[], end: number): Placed[] {
  const freeAt: number[] = []
  return attempts
    .flatMap((attempt) => {
      // One that never began, as its node was busy, had none.
      if (attempt.encoding === null) return []
      const began = attempt.encoding
      return [{ attempt, began, ended: Math.max(began, attempt.encoded ?? attempt.ended ?? end) }]
    })
    .sort((a, b) => a.began - b.began)
    .map((placed) => {
      const slack = Math.min(HEARD_LATER_SECONDS, (placed.ended - placed.began) / 2)
      const free = freeAt.findIndex((time) => time <= placed.began + slack)
      const lane = free < 0 ? freeAt.length : free
      const began = Math.max(placed.began, freeAt[lane] ?? 0)
      freeAt[lane] = placed.ended
      return { ...placed, began, lane }
    })
}

/** How long at least one slot encoded, of the seconds between these. */
export function busyShare(placed: readonly Placed[], slots: number, from: number, to: number): number {
  let busy = 0
  for (const { began, ended } of placed) {
    busy += Math.max(0, Math.min(ended, to) - Math.max(began, from))
  }
  return slots > 0 && to > from ? Math.min(1, busy / (slots * (to - from))) : 0
}
