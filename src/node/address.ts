/** Addresses as people write them. */

import { isIP } from 'node:net'
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

function fromHostAndPort(text: string): string {
  const { hostname, port } = new URL(`tcp://${text}`)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const version = isIP(host)
  if (host === '' || port === '') throw new Error('host:port expected')
  return `/${version === 0 ? 'dns' : `ip${version}`}/${host}/tcp/${port}`
}
