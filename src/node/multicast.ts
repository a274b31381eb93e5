/**
 * Multicast DNS on every interface. The stock socket of multicast-dns hears them all but speaks only on the one of the
 * default route: not at all on a machine without such a route, and on the wrong network on one with several.
 */

import '../polyfill.ts'
import { networkInterfaces } from 'node:os'
import multicastDns from 'multicast-dns'

/** Bridges of containers and virtual machines add up: beyond this many it is not the LAN any more. */
const INTERFACES_MAX = 16

export interface Speakers {
  /** Sends a packet on each interface that the machine has now. */
  send(packet: object): void
  close(): Promise<void>
}

/** `onError` is told of what stops an interface from being used; nothing is thrown. */
export function createSpeakers(port: number, onError: (err: Error) => void): Speakers {
  const speakers = new Map<string, multicastDns.MulticastDNS>()

  function follow(addresses: readonly string[]): void {
    for (const [address, speaker] of speakers) {
      if (addresses.includes(address)) continue
      speaker.destroy()
      speakers.delete(address)
    }
    for (const address of addresses) {
      if (!speakers.has(address)) speakers.set(address, open(address, port, onError))
    }
  }

  return {
    send(packet) {
      follow(interfaceAddresses())
      // A copy for each: multicast-dns completes what it sends.
      for (const speaker of speakers.values()) sendOn(speaker, { ...packet })
    },
    async close() {
      const closing = [...speakers.values()].map(async (speaker) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        speaker.destroy(resolve)
        await promise
      })
      speakers.clear()
      await Promise.all(closing)
    },
  }
}

/** One IPv4 address of each interface that leads out; the loopback's where none does, for the nodes of one machine. */
export function interfaceAddresses(): string[] {
  const addresses = Object.values(networkInterfaces())
    .map((infos) => infos?.find(({ family }) => family === 'IPv4'))
    .filter((info) => info !== undefined)
  const outward = addresses.filter(({ internal }) => !internal)
  return (outward.length > 0 ? outward : addresses).map(({ address }) => address).slice(0, INTERFACES_MAX)
}

function open(address: string, port: number, onError: (err: Error) => void): multicastDns.MulticastDNS {
  // Bound to all addresses, as every responder is: bound to one, it would take the unicast answers meant for another
  // program's socket.
  const speaker = multicastDns({ interface: address, port, bind: '0.0.0.0' })
  speaker.on('error', onError)
  speaker.on('warning', onError)
  return speaker
}

/** `send` is what `query` and `respond` both come down to; its types leave it out. */
function sendOn(speaker: multicastDns.MulticastDNS & { send?(packet: object): void }, packet: object): void {
  speaker.send?.(packet)
}
