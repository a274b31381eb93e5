/**
 * One attempt of one task: the coordinator offers a segment, the worker accepts or refuses, reports while it works, and keeps its
 * result until the coordinator has judged it. A stream that breaks is a pause: the same offer on another one takes the work up where it
 * is, also for a coordinator that was started again. A worker that stays silent loses the task; one whose coordinator stays away gives
 * it up.
 *
 * @example
 *
 * ```ts
 * // worker
 * const node = await createLibp2p({ services: { segment: segment({ handler: { admit, onOffer, onSettled } }) } })
 *
 * // coordinator
 * const attempt = await node.services.segment.offer(peer, offer, { signal, onProgress })
 * const result = await attempt.result
 * await attempt.acknowledge()
 * ```
 */

import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { ProtocolComponents } from '../streams.ts'
import type { SegmentOffer, SegmentProgress, SegmentResult } from './messages.ts'
import { SegmentService } from './segment.ts'

/** How an accepted attempt ended, as the worker sees it. */
export type SegmentOutcome =
  /** The coordinator has verified and stored the result. */
  | 'acknowledged'
  /** The coordinator found the result wrong. */
  | 'rejected'
  /** The coordinator no longer wants the task. */
  | 'cancelled'
  /** The handler threw, and the coordinator has been told. */
  | 'failed'
  /** The coordinator stayed away, or did not judge the result in time. */
  | 'lost'

export interface SegmentContext {
  /** Aborted when the coordinator cancels or stays away. */
  readonly signal: AbortSignal
  onProgress(progress: SegmentProgress): void
}

export interface SegmentHandler {
  /** Why this offer is not taken now; undefined where it is. Called before `onOffer`, in the same turn. */
  admit(offer: SegmentOffer, peer: PeerId): { code: string; message: string } | undefined
  /** Does the work. What it throws is reported by its `code` and message. */
  onOffer(offer: SegmentOffer, peer: PeerId, context: SegmentContext): Promise<SegmentResult>
  /**
   * The coordinator of what is being worked on has been out of reach for ten seconds, or is there again after that: meanwhile others
   * may have the place.
   */
  onAway?(offer: SegmentOffer, peer: PeerId, isAway: boolean): void
  /** Called once for each offer that `admit` let in, after `onOffer` has settled. */
  onSettled(offer: SegmentOffer, peer: PeerId, outcome: SegmentOutcome): void
}

export interface SegmentInit {
  /** Where there is none, every offer is refused with `NOT_A_WORKER`. */
  handler?: SegmentHandler
  /** Default 60 s. */
  leaseMs?: number
  /** Default 1 s. */
  heartbeatMs?: number
  /** Default 10 minutes. */
  retainMs?: number
  /** Default 2 minutes. */
  detachedMs?: number
  /** Default 10 s. */
  awayMs?: number
}

export interface SegmentOfferOptions extends AbortOptions {
  onAccepted?(): void
  onProgress?(progress: SegmentProgress): void
}

/** An accepted attempt. It ends with `acknowledge`, `reject` or `cancel`, or with a failed `result`. */
export interface SegmentAttempt {
  /**
   * Rejects with ProtocolError `FAILED` (the worker could not), `LEASE_EXPIRED`, `DISCONNECTED` (lost or cancelled),
   * `MESSAGE_INVALID` or `MESSAGE_TOO_LARGE`, or with the abort reason of the offer's signal.
   */
  readonly result: Promise<SegmentResult>
  /** The result is verified and stored: the worker may forget it. */
  acknowledge(options?: AbortOptions): Promise<void>
  /** The result is wrong; `code` says how, in capitals. */
  reject(code: string, options?: AbortOptions): Promise<void>
  /** The task is not wanted any more. Does nothing once the attempt has ended. */
  cancel(): void
}

export interface Segment {
  /** This node wants to leave: what it has in hand for coordinators that are out of reach it keeps for some seconds only. */
  hurry(): void
  /**
   * Offers a task; resolves once the worker has accepted. The signal holds for the whole attempt: when it aborts, the
   * attempt is cancelled.
   *
   * @throws ProtocolError `REFUSED`, `TIMEOUT`, `DISCONNECTED`, `UNSUPPORTED_PROTOCOL`; the caller's abort reason
   */
  offer(peer: PeerId, offer: SegmentOffer, options?: SegmentOfferOptions): Promise<SegmentAttempt>
}

export function segment(init: SegmentInit = {}): (components: ProtocolComponents) => Segment {
  return (components) => new SegmentService(components, init)
}

export { SEGMENT_PROTOCOL } from './constants.ts'
export type { SegmentOffer, SegmentProgress, SegmentResult } from './messages.ts'
