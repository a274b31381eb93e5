/** The libp2p node of a swarm member: TCP, noise, yamux, with limits that fit many peers on few hosts and large blobs. */

import '../polyfill.ts'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { type Identify, identify } from '@libp2p/identify'
import type { Libp2p, PeerId, PrivateKey, ServiceMap } from '@libp2p/interface'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type ServiceFactoryMap } from 'libp2p'
import { NetworkError } from './network-error.ts'

export interface SwarmNodeInit<T extends ServiceMap> {
  privateKey: PrivateKey
  /** Multiaddrs to listen on. Default: a free port on all interfaces. */
  listen?: readonly string[]
  /** The protocols of the node, by name. */
  services: ServiceFactoryMap<T>
  /** What only members know: whoever has another one cannot complete the handshake. */
  prologue?: Uint8Array
  /** Asked as soon as the other side has proved who it is. Default: everybody is let in. */
  isLetIn?(peer: PeerId): boolean
  software?: { name: string; version: string }
}

export type SwarmServices<T extends ServiceMap> = T & { identify: Identify; ping: Ping }

export const LISTEN_DEFAULT = ['/ip4/0.0.0.0/tcp/0']

/** Peers, each with up to two connections where both dialled, and some that are just coming or going. */
const CONNECTIONS_MAX = 512

/** Connections from one host in a second, and all that are being set up: a lab or a large host starts its nodes at once. */
const CONNECTIONS_BURST_MAX = 256

/** A handshake takes 10 ms of CPU time: sixty at once kept the event loop for a second. */
const DIALS_AT_ONCE_MAX = 16

const EARLY_STREAMS_MAX = 512

/** A connection that does not answer a ping for this long is lost: noticed in 5 to 10 s instead of TCP's minutes. */
const PING_INTERVAL_MS = 5_000

/**
 * A started node.
 *
 * @throws NetworkError `PORT_IN_USE`, `LISTEN_FAILED`
 */
export async function createSwarmNode<T extends ServiceMap>(
  init: SwarmNodeInit<T>,
): Promise<Libp2p<SwarmServices<T>>> {
  const listen = [...(init.listen ?? LISTEN_DEFAULT)]
  const { isLetIn = () => true } = init
  const services = {
    ...init.services,
    identify: identify(),
    // The connection monitor uses the same protocol: with the default of one stream a ping of our own would fail the
    // monitor's, which then aborts the connection.
    ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }),
  } as unknown as ServiceFactoryMap<SwarmServices<T>>
  try {
    return await createLibp2p({
      privateKey: init.privateKey,
      addresses: { listen },
      nodeInfo: init.software ?? { name: 'ffswarm', version: '0.1.0' },
      transports: [tcp()],
      connectionEncrypters: [noise(init.prologue === undefined ? {} : { prologueBytes: init.prologue })],
      streamMuxers: [
        yamux({
          // A peer that offers tasks for all slots of a large machine as soon as it is connected: with the default of
          // ten, the connection is aborted where its streams arrive before the last step of its set-up.
          maxEarlyStreams: EARLY_STREAMS_MAX,
          streamOptions: {
            // 1 GbE with 16 ms of round trip: more only delays what shares the connection.
            maxStreamWindowSize: 2 << 20,
            // What may arrive before a handler listens: a window, and what was negotiated on the way.
            maxReadBufferLength: 8 << 20,
          },
        }),
      ],
      connectionManager: {
        maxConnections: CONNECTIONS_MAX,
        maxParallelDials: DIALS_AT_ONCE_MAX,
        inboundConnectionThreshold: CONNECTIONS_BURST_MAX,
        maxIncomingPendingConnections: CONNECTIONS_BURST_MAX,
      },
      connectionGater: {
        denyInboundEncryptedConnection: (peer) => !isLetIn(peer),
        denyOutboundEncryptedConnection: (peer) => !isLetIn(peer),
      },
      connectionMonitor: {
        pingInterval: PING_INTERVAL_MS,
        pingTimeout: { minTimeout: PING_INTERVAL_MS, maxTimeout: 2 * PING_INTERVAL_MS },
      },
      services,
    })
  } catch (err) {
    throw toListenError(err, listen)
  }
}

/** libp2p tells of addresses that it could not listen on only in the text of its error. */
function toListenError(err: unknown, addresses: string[]): unknown {
  if (!(err instanceof Error) || err.name !== 'UnsupportedListenAddressesError') return err
  const inUse = /EADDRINUSE\D.*:(\d+)\s*$/m.exec(err.message)
  if (inUse !== null) return new NetworkError({ code: 'PORT_IN_USE', port: Number(inUse[1]) }, { cause: err })
  const detail = err.message.split('\n').at(-1)?.trim() || 'is it an address of this machine?'
  return new NetworkError({ code: 'LISTEN_FAILED', addresses, detail }, { cause: err })
}
