/**
 * Finds the nodes of a swarm on the local network by multicast DNS, in libp2p's own format. Swarms are kept apart by
 * their service name, so one never sees another's nodes.
 */

import { createHash } from 'node:crypto'
import {
  type PeerDiscovery,
  type PeerInfo,
  type Startable,
  TypedEventEmitter,
  type TypedEventTarget,
} from '@libp2p/interface'
import { type MulticastDNSComponents, mdns } from '@libp2p/mdns'
import { createSpeakers, type Speakers } from './multicast.ts'

export const SWARM_DEFAULT = 'default'

/** How often to ask who is there. */
const QUERY_INTERVAL_MS = 10_000

const MDNS_PORT = 5353

export interface DiscoveryInit {
  swarm: string
  /** Of a closed swarm: what is derived from its key, in place of its name. */
  id?: string | undefined
  /** Default 10 s. */
  queryIntervalMs?: number
  /** Default 5353, that of multicast DNS. */
  port?: number
}

export interface DiscoveryEvents {
  /** A node has answered. Comes again with each of its answers. */
  peer: CustomEvent<PeerInfo>
  /** Multicast does not work, or not on some interface. Comes at most once. */
  unavailable: CustomEvent<Error>
}

export interface Discovery extends TypedEventTarget<DiscoveryEvents> {
  /** Asks who is there, now. */
  query(): void
}

/** As a service of libp2p it runs while the node does. */
export function discovery(init: DiscoveryInit): (components: MulticastDNSComponents) => Discovery {
  return (components) => new LocalDiscovery(components, init)
}

/**
 * The DNS-SD service of a swarm. Names other than the default are hashed: a service name has at most 15 characters
 * (RFC 6335, section 5.1), and what the swarm is called is nobody else's business.
 */
export function serviceTag(swarm: string, id?: string): string {
  if (swarm === SWARM_DEFAULT && id === undefined) return '_ffswarm._udp.local'
  const digest = id ?? createHash('sha256').update(swarm).digest('hex')
  return `_ffswarm-${digest.slice(0, 7)}._udp.local`
}

/** The stock module's own socket, which it has while it runs. */
interface StockDiscovery extends PeerDiscovery, Startable {
  readonly mdns?: {
    on(event: 'error' | 'warning', listener: (err: Error) => void): void
    /** What its queries and its answers both go out by. */
    send(packet: object): void
  }
}

class LocalDiscovery extends TypedEventEmitter<DiscoveryEvents> implements Discovery, Startable {
  readonly [Symbol.toStringTag] = '@ffswarm/discovery'
  readonly #stock: StockDiscovery
  readonly #serviceTag: string
  readonly #port: number
  #speakers: Speakers | undefined
  #reported = false

  constructor(components: MulticastDNSComponents, init: DiscoveryInit) {
    super()
    this.#serviceTag = serviceTag(init.swarm, init.id)
    this.#port = init.port ?? MDNS_PORT
    this.#stock = mdns({
      serviceTag: this.#serviceTag,
      interval: init.queryIntervalMs ?? QUERY_INTERVAL_MS,
      port: this.#port,
    })(components) as StockDiscovery
    this.#stock.addEventListener('peer', ({ detail }) => {
      this.safeDispatchEvent('peer', { detail })
    })
  }

  async start(): Promise<void> {
    try {
      await this.#stock.start()
      const socket = this.#stock.mdns
      if (socket === undefined) return
      socket.on('error', this.#onError)
      socket.on('warning', this.#onError)
      const speakers = createSpeakers(this.#port, this.#onError)
      socket.send = (packet) => speakers.send(packet)
      this.#speakers = speakers
      this.query()
    } catch (err) {
      this.#onError(err)
    }
  }

  async stop(): Promise<void> {
    await this.#speakers?.close()
    this.#speakers = undefined
    await this.#stock.stop()
  }

  query(): void {
    this.#speakers?.send({ type: 'query', questions: [{ name: this.#serviceTag, type: 'PTR' }] })
  }

  readonly #onError = (err: unknown): void => {
    // Others may send what is no DNS at all: only what the system says is about this node.
    if (this.#reported || !(err instanceof Error && 'syscall' in err)) return
    this.#reported = true
    this.safeDispatchEvent('unavailable', { detail: err })
  }
}
