/**
 * Two machines come to trust each other by a short code that a person has read on one and typed on the other. Whoever knows only the
 * network learns nothing of the code, and can try one with each conversation.
 *
 * @example
 *
 * ```ts
 * // shows the code
 * const node = await createLibp2p({ services: { pair: pair({ code, introduction, random, onPaired, onRefused }) } })
 *
 * // has it typed
 * const theirs = await node.services.pair.introduce(peer, { signal })
 * ```
 */

import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { ProtocolComponents } from '../streams.ts'
import type { PairIntroduction } from './messages.ts'
import { PairService } from './pair.ts'

export interface PairInit {
  /** The secret part of the code. */
  code: string
  /** What this machine says of itself. */
  introduction: PairIntroduction
  /** So many bytes of chance. */
  random(bytes: number): Uint8Array
  /** On the side that shows the code: the other knew it. Where there is no such function, nobody is answered. */
  onPaired?(peer: PeerId, theirs: PairIntroduction): void
  /** The other side tried another code. */
  onRefused?(peer: PeerId): void
}

export interface Pair {
  /**
   * On the side where the code was typed. What the other side says of itself is for `accept`; only when that has resolved does it hear that
   * it was accepted, and of this side.
   *
   * @throws ProtocolError `REFUSED` with the reason `CODE`, where the other side shows another; `TIMEOUT`, `DISCONNECTED`,
   * `UNSUPPORTED_PROTOCOL`, `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE`; what `accept` throws; the caller's abort reason
   */
  introduce(
    peer: PeerId,
    options?: AbortOptions & { accept?(theirs: PairIntroduction): Promise<void> },
  ): Promise<PairIntroduction>
}

export function pair(init: PairInit): (components: ProtocolComponents & { peerId: PeerId }) => Pair {
  return (components) => new PairService(components, init)
}

export { PAIR_PEERS_MAX, PAIR_PROTOCOL } from './constants.ts'
export type { PairIntroduction } from './messages.ts'
