/**
 * One open blob stream on the reading side: requests go out as they come, answers are matched to them in order. It
 * ends with its stream; whatever was on its way then fails with `DISCONNECTED`.
 */

import type { AbortOptions, Stream } from '@libp2p/interface'
import { ProtocolError, toError, toProtocolError } from '../errors.ts'
import { decodeMessage, encodeMessage, type MessageStream, messageStream, writeMessage } from '../messages.ts'
import { closeStream } from '../streams.ts'
import { BLOB_RANGE_BYTES_MAX, BLOB_REQUEST_BYTES_MAX } from './constants.ts'
import type { Pieces } from './index.ts'
import {
  type BlobRange,
  type BlobStatus,
  blobOpen,
  blobOpened,
  blobRequest,
  blobStatusOf,
} from './messages.ts'

export interface BlobSessionInit {
  blobId: string
  stallTimeoutMs: number
  /** Called whenever something that was asked for arrives, complete or not. */
  onProgress(): void
}

interface Pending extends PromiseWithResolvers<Pieces> {
  readonly range: BlobRange
}

/** A frame costs the same whatever is in it: millions of a byte each would keep this node from everything else. */
const FRAMES_LOOKED_AT = 5_000
const FRAME_BYTES_MIN = 64

export class BlobSession {
  readonly sizeBytes: number
  readonly #stream: Stream
  readonly #messages: MessageStream
  readonly #init: BlobSessionInit
  readonly #pending: Pending[] = []
  #stall: NodeJS.Timeout | undefined
  #ended = false
  #frames = 0
  #frameBytes = 0

  /** @throws ProtocolError `UNKNOWN_BLOB`; whatever the stream throws */
  static async open(stream: Stream, init: BlobSessionInit, options: AbortOptions): Promise<BlobSession> {
    try {
      const messages = messageStream(stream, BLOB_RANGE_BYTES_MAX)
      await writeMessage(messages, blobOpen, { blob: init.blobId }, options)
      const answer = await messages.read(options)
      if (answer.byteLength > BLOB_REQUEST_BYTES_MAX) throw invalid('the answer to an opening is too long')
      const opened = decodeMessage(answer.subarray(), blobOpened)
      if ('code' in opened) throw new ProtocolError({ code: opened.code, blob: init.blobId })
      return new BlobSession(stream, messages, init, opened.sizeBytes)
    } catch (err) {
      stream.abort(toError(err))
      throw err
    }
  }

  private constructor(stream: Stream, messages: MessageStream, init: BlobSessionInit, sizeBytes: number) {
    this.#stream = stream
    this.#messages = messages
    this.#init = init
    this.sizeBytes = sizeBytes
    stream.addEventListener('message', this.#onMessage)
    void this.#receive()
  }

  get alive(): boolean {
    return !this.#ended
  }

  /** Exactly the bytes of the range, which lies within the blob. At most `BLOB_RANGES_OUTSTANDING` at a time. */
  async request(range: BlobRange): Promise<Pieces> {
    if (this.#ended) throw new ProtocolError({ code: 'DISCONNECTED', detail: 'the blob stream has ended' })
    const pending: Pending = { ...Promise.withResolvers<Pieces>(), range }
    this.#pending.push(pending)
    this.#stall ??= setTimeout(this.#onStall, this.#init.stallTimeoutMs)
    // What this waits for ends, at the latest, with the stream, which the stall timer watches.
    this.#messages.write(encodeMessage(blobRequest, range)).catch((err) => this.#end(toProtocolError(err)))
    return await pending.promise
  }

  async close(options: AbortOptions): Promise<void> {
    this.#end(new ProtocolError({ code: 'DISCONNECTED', detail: 'the reader was closed' }), false)
    try {
      await closeStream(this.#stream, options)
    } catch (err) {
      this.#stream.abort(toError(err))
    }
  }

  readonly #onMessage = ({ data }: { data: { readonly byteLength: number } }): void => {
    this.#frames++
    this.#frameBytes += data.byteLength
    if (this.#frames >= FRAMES_LOOKED_AT) {
      if (this.#frameBytes < this.#frames * FRAME_BYTES_MIN) {
        this.#end(invalid(`its bytes come in crumbs, ${this.#frameBytes} in ${this.#frames} frames`))
        return
      }
      this.#frames = 0
      this.#frameBytes = 0
    }
    if (this.#stall === undefined) return
    this.#stall.refresh()
    this.#init.onProgress()
  }

  readonly #onStall = (): void => {
    const detail = `nothing came for ${this.#init.stallTimeoutMs} ms`
    this.#end(new ProtocolError({ code: 'DISCONNECTED', detail }))
  }

  async #receive(): Promise<void> {
    try {
      while (!this.#ended) await this.#receiveAnswer()
    } catch (err) {
      this.#end(toProtocolError(err))
    }
  }

  async #receiveAnswer(): Promise<void> {
    const answer = await this.#messages.read()
    const status = answer.byteLength === 1 ? blobStatusOf(answer.get(0)) : undefined
    const pending = this.#pending[0]
    if (status === undefined || pending === undefined) throw invalid('not an answer to a request')
    const bytes = status === 'OK' ? await this.#messages.read() : undefined
    if (bytes !== undefined && bytes.byteLength !== pending.range.length) {
      throw invalid(`${bytes.byteLength} bytes where ${pending.range.length} were asked for`)
    }
    // A session that has ended meanwhile has told all that were pending.
    if (this.#pending.shift() !== pending) return
    if (this.#pending.length === 0) this.#calm()
    // Nobody needs them in one piece, and each copy of them is paid for twice: it is to be cleared away as well.
    if (bytes !== undefined) pending.resolve([...bytes])
    else pending.reject(this.#failure(status, pending.range))
  }

  #failure(status: BlobStatus, range: BlobRange): ProtocolError {
    switch (status) {
      case 'OUT_OF_RANGE':
        return new ProtocolError({ code: status, ...range, sizeBytes: this.sizeBytes })
      case 'TRUNCATED':
      case 'BLOB_UNREADABLE':
        return new ProtocolError({ code: status, ...range })
      case 'OK':
        return invalid('no bytes')
    }
  }

  #calm(): void {
    clearTimeout(this.#stall)
    this.#stall = undefined
  }

  #end(err: ProtocolError, abort = true): void {
    if (this.#ended) return
    this.#ended = true
    this.#calm()
    this.#stream.removeEventListener('message', this.#onMessage)
    for (const pending of this.#pending.splice(0)) pending.reject(err)
    if (abort) this.#stream.abort(err)
  }
}

function invalid(detail: string): ProtocolError {
  return new ProtocolError({ code: 'MESSAGE_INVALID', detail })
}
