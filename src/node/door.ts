/** Who is let in: by PeerId, which nobody can pretend to have. */
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { NetworkError } from './network-error.ts'

/**
 * @param allow PeerIds; undefined or empty: everybody who is not denied
 * @param deny PeerIds; they are not let in even where they are allowed
 * @throws NetworkError PEER_ID_INVALID
 */
export function makeDoor(
  allow: readonly string[] | undefined,
  deny: readonly string[] | undefined,
): (peer: PeerId) => boolean {
  const allowed = new Set((allow ?? []).map(toPeerId))
  const denied = new Set((deny ?? []).map(toPeerId))
  return (peer) => {
    const id = peer.toString()
    return !denied.has(id) && (allowed.size === 0 || allowed.has(id))
  }
}

/** However it is written: `12D3Koo…`, or as a CID. */
function toPeerId(text: string): string {
  try {
    return peerIdFromString(text.trim()).toString()
  } catch (cause) {
    throw new NetworkError({ code: 'PEER_ID_INVALID', text }, { cause })
  }
}
