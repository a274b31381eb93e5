/**
 * Who is in the swarm: turns addresses, given or discovered, into peers that have said hello, and gets them back when
 * they are lost. A peer is known by its PeerId, however many connections it has.
 */

import type { AbortOptions, Libp2p, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { ProtocolFailure } from '../protocols/errors.ts'
import type { Hello, HelloProtocol } from '../protocols/hello/index.ts'
import type { Discovery } from './discovery.ts'
import { SwarmMembership } from './swarm-membership.ts'

/** What is known of a peer that has said hello and is connected. A new object whenever something changes. */
export interface Peer {
  readonly id: PeerId
  readonly hello: Hello
  /** The far ends of its connections. */
  readonly addresses: readonly string[]
  /** The last measured round trip. */
  readonly rttMs: number | undefined
  /** By the clock given to the membership. */
  readonly connectedAt: number
}

/** A node that was reached and is not admitted. */
export interface RefusedPeer {
  readonly id: PeerId
  readonly failure: ProtocolFailure
}

export interface MembershipEvents {
  join: CustomEvent<Peer>
  update: CustomEvent<Peer>
  /** The last connection to the peer is gone. */
  leave: CustomEvent<Peer>
  /** Comes once for each node and reason. */
  refuse: CustomEvent<RefusedPeer>
}

export interface MembershipComponents {
  libp2p: Libp2p
  hello: HelloProtocol
  ping: Ping
  discovery?: Discovery | undefined
}

export interface MembershipInit {
  /** Of two workers only one dials at once; other nodes do not stay long enough to wait for that. */
  role: Hello['role']
  /** Addresses to dial now and whenever their peer is lost, for as long as the node runs. */
  connect?: readonly Multiaddr[]
  /** Milliseconds. */
  now(): number
  /** A number in [0, 1). */
  random(): number
}

export interface Membership extends TypedEventTarget<MembershipEvents> {
  readonly peers: readonly Peer[]
  /** Addresses at which a node answered that has another key, or this one has none. */
  readonly strangers: readonly string[]
  get(id: PeerId): Peer | undefined
  /** Resolves with all workers as soon as there are `count`. @throws the signal's reason */
  waitForWorkers(count: number, options: { signal: AbortSignal }): Promise<readonly Peer[]>
  /** Says hello to all peers again and measures their round trips; one that does not answer stays as it was. */
  refresh(options?: AbortOptions): Promise<void>
  start(): Promise<void>
  /** Leaves the connections to libp2p. */
  stop(): Promise<void>
}

/** libp2p is started by its owner, before the membership. */
export function createMembership(components: MembershipComponents, init: MembershipInit): Membership {
  return new SwarmMembership(components, init)
}
