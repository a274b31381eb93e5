/**
 * Bytes by id, offset and length. The reader pulls ranges, a few on their way at once, so that a slow reader bounds
 * the memory of both sides; it opens its stream again where that broke, so that a lost connection is only a pause.
 *
 * @example
 *
 * ```ts
 * const node = await createLibp2p({ services: { blob: blob({ resolve: (id) => contents.get(id) }) } })
 * const reader = await node.services.blob.open(peer, 'b1')
 * const head = await reader.read(0, 4096)
 * await reader.close()
 * ```
 */

import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { ProtocolComponents } from '../streams.ts'
import { BlobService } from './blob.ts'

/** What a blob id stands for on the side that serves it. */
export interface BlobContent {
  readonly sizeBytes: number
  /**
   * Exactly `length` bytes from `offset`, or fewer where the content has become shorter than `sizeBytes`. The bytes
   * belong to the protocol until they are sent: hand out no memory that is written to again.
   */
  read(offset: number, length: number, options: { signal: AbortSignal }): Promise<Uint8Array>
}

export interface BlobInit {
  /** The content of a blob for this peer; undefined where there is none, or none for this peer. */
  resolve?(blobId: string, peer: PeerId): BlobContent | undefined
  /** Called with each range that was sent. */
  onBytesSent?(peer: PeerId, bytes: number): void
  /** Called with each range that was received. */
  onBytesReceived?(peer: PeerId, bytes: number): void
  /** How long a read waits for a lost peer without a byte of progress. Default 2 minutes. */
  breakTimeoutMs?: number
  /** How long an open stream may give nothing that it was asked for before it is opened anew. Default 10 s. */
  stallTimeoutMs?: number
}

/** Bytes in the pieces in which they came, in order. */
export type Pieces = readonly Uint8Array[]

/** One blob of one peer. Its stream opens anew by itself after a break. */
export interface BlobReader {
  readonly sizeBytes: number
  /**
   * Exactly the bytes of `[offset, offset + length)`. Reads may run at the same time.
   *
   * @throws ProtocolError `OUT_OF_RANGE`, `TRUNCATED`, `BLOB_UNREADABLE`, `UNKNOWN_BLOB`, `SIZE_DIFFERS` (the peer
   * came back with another blob), `DISCONNECTED` (it did not come back in time); the caller's abort reason
   */
  read(offset: number, length: number, options?: AbortOptions): Promise<Pieces>
  /** Ends the reader; reads that are under way fail with `DISCONNECTED`. */
  close(): Promise<void>
}

export interface BlobDownload extends AbortOptions {
  /** The size that the blob must have. */
  sizeBytes: number
  /** Takes the bytes in order; the next are not handed over before this has resolved. */
  write(pieces: Pieces): Promise<void>
  /** Called with the length of each piece once `write` has taken it. */
  onBytes?(bytes: number): void
}

export interface Blob {
  /**
   * @throws ProtocolError `UNKNOWN_BLOB`, `UNSUPPORTED_PROTOCOL`, `DISCONNECTED` (the peer could not be reached for
   * the break timeout); the caller's abort reason
   */
  open(peer: PeerId, blobId: string, options?: AbortOptions): Promise<BlobReader>
  /**
   * The whole blob, in order, into a sink. Its content is not checked beyond its length: hash what `write` is given.
   *
   * @throws ProtocolError as `open` and `BlobReader.read` do, and `SIZE_DIFFERS`; whatever `write` throws
   */
  download(peer: PeerId, blobId: string, options: BlobDownload): Promise<void>
}

export function blob(init: BlobInit = {}): (components: ProtocolComponents) => Blob {
  return (components) => new BlobService(components, init)
}

export { BLOB_PROTOCOL, BLOB_RANGE_BYTES_MAX } from './constants.ts'
