/** The sources of the tasks at hand: one reader and one block cache for all tasks of the same file. */
import type { PeerId } from '@libp2p/interface'
import type { Blob } from '../../protocols/blob/index.ts'
import type { Range } from './answer-end.ts'
import { BlockCache } from './block-cache.ts'
import type { SourceProxy } from './source-proxy.ts'

// Small enough that a demuxer's seeks and a segment's two ends cost little.
const BLOCK_BYTES = 64 * 1024
// 32 MiB a source: the neighbourhood of a few segments and the file's index.
const BLOCKS_MAX = 512
// A worker keeps a source between two segments of one job, and forgets it when the job has gone elsewhere.
const IDLE_MS = 30_000

interface Entry {
  readonly source: Promise<{ cache: BlockCache; close(): Promise<void> }>
  users: number
  idleTimer: NodeJS.Timeout | undefined
}

export interface BorrowedSource {
  readonly url: string
  readonly inputOptions: readonly string[]
  /** Whether a reader has asked for bytes that are not here yet. */
  isWaiting(): boolean
  release(): void
}

export class RemoteSources {
  readonly #entries = new Map<string, Entry>()
  readonly #blob: Blob
  readonly #proxy: SourceProxy

  constructor(blob: Blob, proxy: SourceProxy) {
    this.#blob = blob
    this.#proxy = proxy
  }

  async borrow(
    peer: PeerId,
    blobId: string,
    options: { signal: AbortSignal; sizeBytes: number; needed: Range | undefined },
  ): Promise<BorrowedSource> {
    const key = `${peer.toString()} ${blobId}`
    const entry = this.#entries.get(key) ?? this.#open(key, peer, blobId, options.sizeBytes)
    clearTimeout(entry.idleTimer)
    entry.users++
    try {
      const { cache } = await entry.source
      options.signal.throwIfAborted()
      const { url, inputOptions, isWaiting, close } = this.#proxy.serve(cache, options.needed)
      return {
        ...{ url, inputOptions, isWaiting },
        release: () => {
          close()
          this.#release(key, entry)
        },
      }
    } catch (error) {
      this.#release(key, entry)
      throw error
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#entries].map(([key, entry]) => this.#close(key, entry)))
  }

  #open(key: string, peer: PeerId, blobId: string, sizeBytes: number): Entry {
    const open = async () => {
      const reader = await this.#blob.open(peer, blobId)
      if (reader.sizeBytes !== sizeBytes) {
        await reader.close()
        throw new Error(`the source has ${reader.sizeBytes} bytes instead of ${sizeBytes}`)
      }
      const cache = new BlockCache({
        sizeBytes,
        blockBytes: BLOCK_BYTES,
        blocksMax: BLOCKS_MAX,
        read: (offset, length, { signal }) => {
          const reading = reader.read(offset, length, { signal })
          // A reader that has failed fails for ever: whoever comes next opens another.
          reading.catch(() => {
            if (this.#entries.get(key) === entry) this.#entries.delete(key)
          })
          return reading
        },
      })
      const close = async () => {
        cache.close()
        await reader.close()
      }
      return { cache, close }
    }
    const entry: Entry = { source: open(), users: 0, idleTimer: undefined }
    entry.source.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key)
    })
    this.#entries.set(key, entry)
    return entry
  }

  #release(key: string, entry: Entry): void {
    entry.users--
    if (entry.users > 0) return
    entry.idleTimer = setTimeout(() => void this.#close(key, entry), IDLE_MS).unref()
  }

  async #close(key: string, entry: Entry): Promise<void> {
    clearTimeout(entry.idleTimer)
    if (this.#entries.get(key) === entry) this.#entries.delete(key)
    const source = await entry.source.catch(() => undefined)
    await source?.close()
  }
}
