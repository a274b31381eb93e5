/** The blob service of a node: serves what `resolve` knows, reads and downloads from peers. */

import type { AbortOptions, Connection, PeerId, Startable, Stream } from '@libp2p/interface'
import type { ProtocolComponents } from '../streams.ts'
import { handleStreams, openStream } from '../streams.ts'
import { BLOB_BREAK_TIMEOUT_MS, BLOB_PROTOCOL, BLOB_STALL_TIMEOUT_MS, BLOB_STREAMS_MAX } from './constants.ts'
import { download } from './download.ts'
import type { Blob, BlobDownload, BlobInit, BlobReader } from './index.ts'
import { ResumingBlobReader } from './reader.ts'
import { serveBlob } from './serve.ts'

export class BlobService implements Blob, Startable {
  readonly [Symbol.toStringTag] = '@ffswarm/blob'
  readonly #components: ProtocolComponents
  readonly #init: BlobInit
  readonly #readers = new Set<ResumingBlobReader>()
  #serving = new AbortController()

  constructor(components: ProtocolComponents, init: BlobInit) {
    this.#components = components
    this.#init = init
  }

  async start(): Promise<void> {
    this.#serving = new AbortController()
    await handleStreams(this.#components, BLOB_PROTOCOL, this.#onStream, BLOB_STREAMS_MAX)
  }

  async stop(): Promise<void> {
    await this.#components.registrar.unhandle(BLOB_PROTOCOL)
    this.#serving.abort()
    await Promise.all([...this.#readers].map(async (reader) => await reader.close()))
  }

  async open(peer: PeerId, blobId: string, options: AbortOptions = {}): Promise<BlobReader> {
    const reader = new ResumingBlobReader({
      blobId,
      breakTimeoutMs: this.#init.breakTimeoutMs ?? BLOB_BREAK_TIMEOUT_MS,
      stallTimeoutMs: this.#init.stallTimeoutMs ?? BLOB_STALL_TIMEOUT_MS,
      openStream: async (signal) => await openStream(this.#components, peer, BLOB_PROTOCOL, { signal }),
      onBytes: (bytes) => this.#init.onBytesReceived?.(peer, bytes),
      onClose: () => this.#readers.delete(reader),
    })
    this.#readers.add(reader)
    try {
      await reader.open(options)
      return reader
    } catch (err) {
      await reader.close()
      throw err
    }
  }

  async download(peer: PeerId, blobId: string, options: BlobDownload): Promise<void> {
    const reader = await this.open(peer, blobId, options)
    try {
      await download(reader, options)
    } finally {
      await reader.close()
    }
  }

  readonly #onStream = async (stream: Stream, connection: Connection): Promise<void> => {
    const peer = connection.remotePeer
    await serveBlob(stream, {
      signal: this.#serving.signal,
      resolve: (blobId) => this.#init.resolve?.(blobId, peer),
      onBytesSent: (bytes) => this.#init.onBytesSent?.(peer, bytes),
    })
  }
}
