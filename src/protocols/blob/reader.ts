/**
 * The reader of one blob, over as many streams in turn as it takes: a range whose stream broke is asked for again on
 * the next one, until nothing at all has come for the break timeout.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { AbortOptions, Stream } from '@libp2p/interface'
import { Countdown } from '../countdown.ts'
import { raceAbort, withDeadline, withSignals } from '../deadline.ts'
import { ProtocolError } from '../errors.ts'
import {
  BLOB_OPEN_TIMEOUT_MS,
  BLOB_RANGE_BYTES_MAX,
  BLOB_RANGES_OUTSTANDING,
  BLOB_REOPEN_INTERVAL_MS,
} from './constants.ts'
import type { BlobReader, Pieces } from './index.ts'
import type { BlobRange } from './messages.ts'
import { BlobSession } from './session.ts'
import { Slots } from './slots.ts'

export interface ResumingBlobReaderInit {
  blobId: string
  breakTimeoutMs: number
  stallTimeoutMs: number
  openStream(signal: AbortSignal): Promise<Stream>
  /** Called with the length of each range that has arrived. */
  onBytes(bytes: number): void
  onClose(): void
}

/** What makes a reader open its stream anew. A peer that has only just restarted may not serve blobs yet, or not this one. */
const BREAKS = new Set<string>(['DISCONNECTED', 'TIMEOUT', 'UNSUPPORTED_PROTOCOL', 'UNKNOWN_BLOB'])

export class ResumingBlobReader implements BlobReader {
  readonly #init: ResumingBlobReaderInit
  readonly #slots = new Slots(BLOB_RANGES_OUTSTANDING)
  readonly #closed = new AbortController()
  #sizeBytes: number | undefined
  #session: BlobSession | undefined
  #opening: Promise<BlobSession> | undefined
  /** Aborts when nothing has come for the break timeout; there while anybody waits. */
  #patience: { controller: AbortController; timer: Countdown } | undefined
  #waiting = 0

  constructor(init: ResumingBlobReaderInit) {
    this.#init = init
  }

  get sizeBytes(): number {
    return this.#sizeBytes ?? 0
  }

  async open(options: AbortOptions): Promise<void> {
    await this.#patiently(options, async (signal) => {
      await raceAbort(this.#connected(), signal)
    })
  }

  async read(offset: number, length: number, options: AbortOptions = {}): Promise<Pieces> {
    const { sizeBytes } = this
    if (!isCount(offset) || !isCount(length) || offset + length > sizeBytes) {
      throw new ProtocolError({ code: 'OUT_OF_RANGE', offset, length, sizeBytes })
    }
    if (length === 0) return []
    return await this.#patiently(options, async (signal) => {
      if (length <= BLOB_RANGE_BYTES_MAX) return await this.#range({ offset, length }, signal)
      const ranges = split(offset, length).map(async (range) => await this.#range(range, signal))
      return (await Promise.all(ranges)).flat()
    })
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return
    this.#closed.abort(new ProtocolError({ code: 'DISCONNECTED', detail: 'the reader was closed' }))
    this.#init.onClose()
    await this.#session?.close({ signal: AbortSignal.timeout(BLOB_OPEN_TIMEOUT_MS) })
  }

  /** Runs `work` for as long as the caller, the reader and the patience with the peer last. */
  async #patiently<T>(options: AbortOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#closed.signal.throwIfAborted()
    options.signal?.throwIfAborted()
    this.#waiting++
    this.#patience ??= this.#beginPatience()
    try {
      return await withSignals([options.signal, this.#closed.signal, this.#patience.controller.signal], work)
    } finally {
      this.#waiting--
      if (this.#waiting === 0) this.#endPatience()
    }
  }

  #beginPatience(): { controller: AbortController; timer: Countdown } {
    const { breakTimeoutMs } = this.#init
    const controller = new AbortController()
    const timer = new Countdown(breakTimeoutMs, () => {
      const detail = `no byte of the blob came for ${breakTimeoutMs} ms`
      controller.abort(new ProtocolError({ code: 'DISCONNECTED', detail }))
    })
    return { controller, timer }
  }

  #endPatience(): void {
    this.#patience?.timer.stop()
    this.#patience = undefined
  }

  /** A slot stays taken until the answer is there, wanted or not: that is what bounds the bytes on their way. */
  async #range(range: BlobRange, signal: AbortSignal): Promise<Pieces> {
    const release = await this.#slots.acquire(signal)
    const answer = this.#request(range, signal).finally(release)
    const pieces = await raceAbort(answer, signal)
    this.#init.onBytes(range.length)
    return pieces
  }

  async #request(range: BlobRange, signal: AbortSignal): Promise<Pieces> {
    for (;;) {
      signal.throwIfAborted()
      try {
        const session = await this.#connected()
        return await session.request(range)
      } catch (err) {
        if (!isBreak(err)) throw err
      }
    }
  }

  /** The open session; one attempt to open a new one serves all that wait. */
  async #connected(): Promise<BlobSession> {
    if (this.#session?.alive) return this.#session
    this.#opening ??= this.#openSession().finally(() => {
      this.#opening = undefined
    })
    return await this.#opening
  }

  async #openSession(): Promise<BlobSession> {
    const options = { signal: this.#closed.signal }
    for (;;) {
      try {
        return await withDeadline('open the blob', BLOB_OPEN_TIMEOUT_MS, options, async (signal) => {
          return await this.#openOnce(signal)
        })
      } catch (err) {
        // Before the first success, a peer that does not speak the protocol or know the blob has answered.
        const isAnswer = isCode(err, 'UNSUPPORTED_PROTOCOL') || isCode(err, 'UNKNOWN_BLOB')
        const hopeless = isAnswer && this.#sizeBytes === undefined
        if (hopeless || !isBreak(err) || this.#waiting === 0) throw err
      }
      await sleep(BLOB_REOPEN_INTERVAL_MS, undefined, options)
    }
  }

  async #openOnce(signal: AbortSignal): Promise<BlobSession> {
    const { blobId, stallTimeoutMs } = this.#init
    const stream = await this.#init.openStream(signal)
    const onProgress = () => this.#patience?.timer.refresh()
    const session = await BlobSession.open(stream, { blobId, stallTimeoutMs, onProgress }, { signal })
    this.#sizeBytes ??= session.sizeBytes
    if (session.sizeBytes !== this.#sizeBytes) {
      await session.close({ signal })
      throw new ProtocolError({
        code: 'SIZE_DIFFERS',
        expectedBytes: this.#sizeBytes,
        actualBytes: session.sizeBytes,
      })
    }
    this.#session = session
    return session
  }
}

function isCode(err: unknown, code: ProtocolError['code']): boolean {
  return err instanceof ProtocolError && err.code === code
}

function isBreak(err: unknown): boolean {
  return err instanceof ProtocolError && BREAKS.has(err.code)
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function split(offset: number, length: number): BlobRange[] {
  const count = Math.ceil(length / BLOB_RANGE_BYTES_MAX)
  return Array.from({ length: count }, (_, index) => {
    const start = index * BLOB_RANGE_BYTES_MAX
    return { offset: offset + start, length: Math.min(BLOB_RANGE_BYTES_MAX, length - start) }
  })
}
