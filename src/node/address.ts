/** Addresses as people write them. */

import { isIPv4 } from 'node:net'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { NetworkError } from './network-error.ts'

/**
 * `192.168.1.5:4001`, `[fe80::1]:4001`, `name.local:4001`, or a multiaddr with or without a `/p2p/` part.
 *
 * @throws NetworkError `ADDRESS_INVALID`
 */
export function parseAddress(text: string): Multiaddr {
  try {
    return multiaddr(text.startsWith('/') ? text : fromHostAndPort(text))
  } catch (cause) {
    throw new NetworkError({ code: 'ADDRESS_INVALID', address: text }, { cause })
  }
}

/**
 * A multiaddr to listen on.
 *
 * @throws NetworkError `ADDRESS_INVALID`
 */
export function parseListen(text: string): string {
  try {
    const address = multiaddr(text)
    const isTcp = address.getComponents().some(({ name, value }) => name === 'tcp' && value !== undefined)
    if (!isTcp) throw new Error('there is no TCP port in it')
    return address.toString()
  } catch (cause) {
    throw new NetworkError({ code: 'ADDRESS_INVALID', address: text }, { cause })
  }
}

/** As `--connect` takes it, of the first address that other machines may reach; undefined where there is none. */
export function toConnect(addresses: readonly Multiaddr[]): string | undefined {
  for (const address of addresses) {
    const parts = new Map(address.getComponents().map(({ name, value }) => [name, value]))
    const [host, port] = [parts.get('ip4'), parts.get('tcp')]
    if (host !== undefined && port !== undefined && !host.startsWith('127.')) return `${host}:${port}`
  }
  return undefined
}

function fromHostAndPort(text: string): string {
  const [, ip6, host, port] = /^(?:\[([^\]]+)\]|([^:/@\s]+)):(\d{1,5})$/.exec(text) ?? []
  if (ip6 !== undefined) return `/ip6/${ip6}/tcp/${port}`
  if (host === undefined) throw new Error('host:port expected')
  return `/${isIPv4(host) ? 'ip4' : 'dns'}/${host}/tcp/${port}`
}
