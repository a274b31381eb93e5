/** The files this node serves to others: by unguessable id, each to the peers it was granted to. */
import { randomBytes } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { PeerId } from '@libp2p/interface'
import type { BlobContent } from '../protocols/blob/index.ts'

export interface StoredBlob {
  readonly id: string
  readonly sizeBytes: number
  grant(peer: PeerId): void
  /** Serves it no more and closes the file. */
  remove(): Promise<void>
}

interface Entry {
  readonly content: BlobContent
  readonly granted: Set<string>
}

export class BlobStore {
  readonly #entries = new Map<string, Entry>()

  /** @param id as another process had it that peers still read from; undefined: a new one */
  async add(path: string, id = randomBytes(16).toString('hex')): Promise<StoredBlob> {
    const file = await open(path, 'r')
    const { size } = await file.stat()
    const granted = new Set<string>()
    this.#entries.set(id, { content: fileContent(file, size), granted })
    return {
      id,
      sizeBytes: size,
      grant: (peer) => void granted.add(peer.toString()),
      remove: async () => {
        this.#entries.delete(id)
        await file.close()
      },
    }
  }

  readonly resolve = (id: string, peer: PeerId): BlobContent | undefined => {
    const entry = this.#entries.get(id)
    return entry?.granted.has(peer.toString()) === true ? entry.content : undefined
  }
}

function fileContent(file: FileHandle, sizeBytes: number): BlobContent {
  return {
    sizeBytes,
    async read(offset, length) {
      const bytes = Buffer.allocUnsafe(length)
      let filled = 0
      while (filled < length) {
        const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return bytes.subarray(0, filled)
    },
  }
}
