/**
 * The membership of one node. Every outbound connection is greeted, every inbound one is expected to greet; whoever
 * does not, or is of another swarm, is let go of.
 *
 * Lost peers are dialled again here rather than by libp2p's KEEP_ALIVE queue, which tries five peers at a time, each
 * for ever or for about a minute, and does not hear when a peer turns up at another address.
 */

import {
  type AbortOptions,
  type Connection,
  type PeerId,
  type PeerInfo,
  TypedEventEmitter,
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { raceAbort, withDeadline } from '../protocols/deadline.ts'
import { ProtocolError, toError } from '../protocols/errors.ts'
import type { Hello, HelloReceived } from '../protocols/hello/index.ts'
import type {
  Membership,
  MembershipComponents,
  MembershipEvents,
  MembershipInit,
  Peer,
} from './membership.ts'
import { Redial } from './redial.ts'

/** How long the larger of two PeerIds leaves it to the smaller to dial: discovery may work in one direction only. */
const DIAL_GRACE_MS = 3_000

/** Between losing a peer and dialling it: one that hangs up on us at once is not to be dialled in a tight loop. */
const REDIAL_DELAY_MS = 500

const DIAL_TIMEOUT_MS = 10_000

/** How long an inbound connection may stay without a hello. */
const INTRODUCTION_TIMEOUT_MS = 10_000

const PING_TIMEOUT_MS = 5_000

const CLOSE_TIMEOUT_MS = 1_000

/** About a quarter of an hour; a discovered peer that comes back after that is discovered again. */
const REDIAL_ATTEMPTS_MAX = 30

/** More nodes than this to be dialled is not a network but a flood. */
const REDIALS_MAX = 1024

/** Answers to a hello that the next attempt will not change. */
const REFUSALS = new Set<string>([
  'SWARM_DIFFERS',
  'UNSUPPORTED_PROTOCOL',
  'MESSAGE_INVALID',
  'MESSAGE_TOO_LARGE',
])

export class SwarmMembership extends TypedEventEmitter<MembershipEvents> implements Membership {
  readonly #components: MembershipComponents
  readonly #init: MembershipInit
  readonly #peers = new Map<string, Peer>()
  /** By connection id. */
  readonly #greetings = new Map<string, Promise<void>>()
  readonly #introductions = new Map<string, NodeJS.Timeout>()
  /** By PeerId or by given address. */
  readonly #redials = new Map<string, Redial>()
  /** The peer last reached at each given address. */
  readonly #reached = new Map<Multiaddr, string>()
  /** Why each was refused last, by PeerId. */
  readonly #refused = new Map<string, string>()
  /** Targets whose nodes have another key. */
  readonly #strangers = new Set<string>()
  #running = new AbortController()

  constructor(components: MembershipComponents, init: MembershipInit) {
    super()
    this.#components = components
    this.#init = init
  }

  get peers(): readonly Peer[] {
    return [...this.#peers.values()]
  }

  get strangers(): readonly string[] {
    return [...this.#strangers]
  }

  get(id: PeerId): Peer | undefined {
    return this.#peers.get(id.toString())
  }

  async start(): Promise<void> {
    const { libp2p, hello, discovery } = this.#components
    this.#running = new AbortController()
    libp2p.addEventListener('connection:open', this.#onConnectionOpen)
    libp2p.addEventListener('connection:close', this.#onConnectionClose)
    libp2p.addEventListener('peer:disconnect', this.#onPeerDisconnect)
    hello.addEventListener('hello', this.#onHello)
    discovery?.addEventListener('peer', this.#onDiscovered)
    // Whoever came before we listened may have said hello already.
    for (const connection of libp2p.getConnections()) this.#greet(connection).catch(() => {})
    for (const address of this.#init.connect ?? []) this.#dialAddress(address, 0)
    discovery?.query()
  }

  async stop(): Promise<void> {
    const { libp2p, hello, discovery } = this.#components
    libp2p.removeEventListener('connection:open', this.#onConnectionOpen)
    libp2p.removeEventListener('connection:close', this.#onConnectionClose)
    libp2p.removeEventListener('peer:disconnect', this.#onPeerDisconnect)
    hello.removeEventListener('hello', this.#onHello)
    discovery?.removeEventListener('peer', this.#onDiscovered)
    this.#running.abort(new ProtocolError({ code: 'DISCONNECTED', detail: 'this node is stopping' }))
    for (const redial of this.#redials.values()) redial.stop()
    for (const timer of this.#introductions.values()) clearTimeout(timer)
    this.#redials.clear()
    this.#introductions.clear()
    this.#peers.clear()
    await Promise.allSettled(this.#greetings.values())
  }

  async waitForWorkers(count: number, options: { signal: AbortSignal }): Promise<readonly Peer[]> {
    const enough = Promise.withResolvers<readonly Peer[]>()
    const look = () => {
      const workers = this.peers.filter(({ hello }) => hello.role === 'worker')
      if (workers.length >= count) enough.resolve(workers)
    }
    this.addEventListener('join', look)
    this.addEventListener('update', look)
    try {
      look()
      return await raceAbort(enough.promise, options.signal)
    } finally {
      this.removeEventListener('join', look)
      this.removeEventListener('update', look)
    }
  }

  async refresh(options: AbortOptions = {}): Promise<void> {
    await Promise.allSettled(
      this.peers.map(async ({ id }) => {
        this.#admit(id, await this.#components.hello.exchange(id, options))
        await this.#measure(id, options)
      }),
    )
    options.signal?.throwIfAborted()
  }

  readonly #onConnectionOpen = ({ detail: connection }: CustomEvent<Connection>): void => {
    if (connection.remotePeer.equals(this.#components.libp2p.peerId)) return
    if (connection.direction === 'outbound') {
      this.#greet(connection).catch(() => {})
      return
    }
    const timer = setTimeout(() => {
      this.#introductions.delete(connection.id)
      if (this.get(connection.remotePeer) === undefined) void closeConnection(connection)
    }, INTRODUCTION_TIMEOUT_MS)
    this.#introductions.set(connection.id, timer)
  }

  readonly #onConnectionClose = ({ detail: connection }: CustomEvent<Connection>): void => {
    clearTimeout(this.#introductions.get(connection.id))
    this.#introductions.delete(connection.id)
  }

  readonly #onPeerDisconnect = ({ detail: id }: CustomEvent<PeerId>): void => {
    const key = id.toString()
    const peer = this.#peers.get(key)
    if (peer !== undefined) {
      this.#peers.delete(key)
      this.safeDispatchEvent('leave', { detail: peer })
      this.#dialPeer(id, REDIAL_DELAY_MS)
    }
    for (const [address, reached] of this.#reached) {
      if (reached === key) this.#dialAddress(address, REDIAL_DELAY_MS)
    }
  }

  readonly #onHello = ({ detail }: CustomEvent<HelloReceived>): void => {
    this.#admit(detail.peer, detail.hello)
  }

  readonly #onDiscovered = ({ detail: { id, multiaddrs } }: CustomEvent<PeerInfo>): void => {
    const { libp2p } = this.#components
    if (id.equals(libp2p.peerId) || libp2p.getConnections(id).length > 0) return
    libp2p.peerStore
      // What it says now replaces what it said before it moved.
      .patch(id, { multiaddrs })
      .then(() => this.#dialPeer(id, 0))
      .catch(() => {})
  }

  #dialPeer(id: PeerId, delayMs: number): void {
    const { libp2p } = this.#components
    const first = this.#init.role !== 'worker' || libp2p.peerId.toString() < id.toString()
    this.#redial(id.toString(), {
      delayMs: first ? delayMs : delayMs + DIAL_GRACE_MS,
      attemptsMax: REDIAL_ATTEMPTS_MAX,
      attempt: async (signal) => {
        if (this.get(id) === undefined) await this.#dial(id, signal)
      },
    })
  }

  #dialAddress(address: Multiaddr, delayMs: number): void {
    this.#redial(address.toString(), {
      delayMs,
      attempt: async (signal) => {
        const reached = this.#reached.get(address)
        if (reached !== undefined && this.#peers.has(reached)) return
        const id = await this.#dial(address, signal)
        this.#reached.set(address, id.toString())
      },
    })
  }

  #redial(
    key: string,
    init: Pick<ConstructorParameters<typeof Redial>[0], 'delayMs' | 'attemptsMax' | 'attempt'>,
  ): void {
    const known = this.#redials.get(key)
    known?.hurry()
    if (known !== undefined || this.#redials.size >= REDIALS_MAX || this.#running.signal.aborted) return
    const redial = new Redial({
      ...init,
      random: this.#init.random,
      onEnd: () => this.#redials.delete(key),
    })
    this.#redials.set(key, redial)
  }

  async #dial(target: PeerId | Multiaddr, signal: AbortSignal): Promise<PeerId> {
    const { libp2p } = this.#components
    const connection = await withDeadline('answer', DIAL_TIMEOUT_MS, { signal }, async (signal) => {
      return await libp2p.dial(target, { signal }).catch((error: unknown) => {
        this.#noteStranger(target, error)
        throw error
      })
    })
    this.#strangers.delete(target.toString())
    const id = connection.remotePeer
    // A list of all nodes' addresses, given to each of them, names the node itself.
    if (id.equals(libp2p.peerId)) await closeConnection(connection)
    else if (this.get(id) === undefined) await this.#greet(connection)
    return id
  }

  #noteStranger(target: PeerId | Multiaddr, error: unknown): void {
    if (!(error instanceof Error && error.name === 'EncryptionFailedError')) return
    if (this.#strangers.size < REDIALS_MAX) this.#strangers.add(target.toString())
  }

  /** Once for each connection, however many ask for it. */
  async #greet(connection: Connection): Promise<void> {
    const underWay = this.#greetings.get(connection.id)
    if (underWay !== undefined) return await underWay
    const greeting = this.#exchange(connection).finally(() => this.#greetings.delete(connection.id))
    this.#greetings.set(connection.id, greeting)
    await greeting
  }

  async #exchange(connection: Connection): Promise<void> {
    const id = connection.remotePeer
    try {
      this.#admit(id, await this.#components.hello.exchange(connection, { signal: this.#running.signal }))
    } catch (err) {
      if (err instanceof ProtocolError && REFUSALS.has(err.code)) this.#refuse(id, err)
      await closeConnection(connection)
      throw err
    }
  }

  #admit(id: PeerId, hello: Hello): void {
    const connections = this.#components.libp2p.getConnections(id)
    // It may be gone again by the time its hello has been read.
    if (connections.length === 0 || this.#running.signal.aborted) return
    const key = id.toString()
    const known = this.#peers.get(key)
    this.#refused.delete(key)
    this.#redials.get(key)?.stop()
    this.#redials.delete(key)
    this.#set({ id, hello, rttMs: known?.rttMs, connectedAt: known?.connectedAt ?? this.#init.now() })
    if (known === undefined) this.#measure(id, { signal: this.#running.signal }).catch(() => {})
  }

  #set(peer: Omit<Peer, 'addresses'>): void {
    const key = peer.id.toString()
    const type = this.#peers.has(key) ? 'update' : 'join'
    const connections = this.#components.libp2p.getConnections(peer.id)
    const detail = { ...peer, addresses: connections.map(({ remoteAddr }) => remoteAddr.toString()) }
    this.#peers.set(key, detail)
    this.safeDispatchEvent(type, { detail })
  }

  #refuse(id: PeerId, { failure }: ProtocolError): void {
    const key = id.toString()
    if (this.#refused.get(key) === failure.code) return
    if (this.#refused.size >= REDIALS_MAX) this.#refused.clear()
    this.#refused.set(key, failure.code)
    this.safeDispatchEvent('refuse', { detail: { id, failure } })
  }

  async #measure(id: PeerId, options: AbortOptions): Promise<void> {
    const rttMs = await withDeadline('answer a ping', PING_TIMEOUT_MS, options, async (signal) => {
      return await this.#components.ping.ping(id, { signal })
    })
    const peer = this.get(id)
    if (peer !== undefined) this.#set({ ...peer, rttMs })
  }
}

async function closeConnection(connection: Connection): Promise<void> {
  try {
    await connection.close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) })
  } catch (err) {
    connection.abort(toError(err))
  }
}
