/** Blob bytes that went to other nodes and came from them. */

export interface Bytes {
  readonly bytesSent: number
  readonly bytesReceived: number
}

/** A worker that stays for months meets no more. */
const PEERS_MAX = 4096

export class Traffic {
  readonly #total = { bytesSent: 0, bytesReceived: 0 }
  readonly #peers = new Map<string, { bytesSent: number; bytesReceived: number }>()

  get total(): Bytes {
    return { ...this.#total }
  }

  /** @param peer PeerId */
  with(peer: string): Bytes {
    return this.#peers.get(peer) ?? NONE
  }

  /** What is counted from now on. */
  since(): Pick<Traffic, 'total' | 'with'> {
    const before = this.total
    const peers = new Map([...this.#peers].map(([peer, bytes]) => [peer, { ...bytes }]))
    const all = this
    return {
      get total() {
        return less(all.total, before)
      },
      with: (peer) => less(all.with(peer), peers.get(peer) ?? NONE),
    }
  }

  count(peer: string, kind: keyof Bytes, bytes: number): void {
    this.#total[kind] += bytes
    const known = this.#peers.get(peer)
    if (known !== undefined) known[kind] += bytes
    else if (this.#peers.size < PEERS_MAX)
      this.#peers.set(peer, { bytesSent: 0, bytesReceived: 0, [kind]: bytes })
  }
}

function less(now: Bytes, before: Bytes): Bytes {
  return {
    bytesSent: now.bytesSent - before.bytesSent,
    bytesReceived: now.bytesReceived - before.bytesReceived,
  }
}

const NONE: Bytes = { bytesSent: 0, bytesReceived: 0 }
