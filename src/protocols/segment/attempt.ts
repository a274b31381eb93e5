/**
 * The coordinator's end of one accepted attempt: reads the worker's reports for as long as the attempt lasts, and
 * fails it when they stop coming.
 */

import type { AbortOptions, Stream } from '@libp2p/interface'
import { onAbort, withDeadline } from '../deadline.ts'
import { ProtocolError, toError, toProtocolError } from '../errors.ts'
import { encodeMessage, type MessageStream, readMessage } from '../messages.ts'
import { closeStream } from '../streams.ts'
import { SEGMENT_SEND_TIMEOUT_MS } from './constants.ts'
import type { SegmentAttempt, SegmentOfferOptions } from './index.ts'
import {
  type SegmentReport,
  type SegmentResult,
  type SegmentVerdict,
  segmentReport,
  segmentVerdict,
} from './messages.ts'

export interface CoordinatorAttemptInit extends SegmentOfferOptions {
  leaseMs: number
}

export class CoordinatorAttempt implements SegmentAttempt {
  readonly result: Promise<SegmentResult>
  readonly #stream: Stream
  readonly #messages: MessageStream
  readonly #init: CoordinatorAttemptInit
  readonly #settled = Promise.withResolvers<SegmentResult>()
  readonly #lease: NodeJS.Timeout
  #unlink: () => void = () => {}
  #ended = false

  constructor(stream: Stream, messages: MessageStream, init: CoordinatorAttemptInit) {
    this.#stream = stream
    this.#messages = messages
    this.#init = init
    this.result = this.#settled.promise
    // A caller that has lost interest in the attempt need not handle its failure.
    this.result.catch(() => {})
    this.#lease = setTimeout(() => {
      this.#fail(new ProtocolError({ code: 'LEASE_EXPIRED', leaseMs: init.leaseMs }))
    }, init.leaseMs)
    this.#unlink = onAbort(init.signal, (reason) => {
      this.#settled.reject(reason)
      this.cancel()
    })
    void this.#receive()
  }

  async acknowledge(options: AbortOptions = {}): Promise<void> {
    await this.#conclude({ type: 'acknowledge' }, options)
  }

  async reject(code: string, options: AbortOptions = {}): Promise<void> {
    await this.#conclude({ type: 'reject', code }, options)
  }

  cancel(): void {
    this.#settled.reject(new ProtocolError({ code: 'DISCONNECTED', detail: 'the attempt was cancelled' }))
    // Nobody waits for this: where it fails, the stream is aborted, which the worker takes for the same.
    this.#conclude({ type: 'cancel' }, {}).catch(() => {})
  }

  async #receive(): Promise<void> {
    try {
      // Reads on after the result: heartbeats go on until it is judged.
      while (!this.#ended) {
        const report = await readMessage(this.#messages, segmentReport, {})
        if (this.#ended) return
        this.#lease.refresh()
        this.#onReport(report)
      }
    } catch (err) {
      this.#fail(toProtocolError(err))
    }
  }

  #onReport(report: SegmentReport): void {
    switch (report.type) {
      case 'heartbeat':
        return
      case 'progress':
        this.#init.onProgress?.(report.progress)
        return
      case 'result':
        this.#settled.resolve(report.result)
        return
      case 'failed':
        this.#settled.reject(
          new ProtocolError({ code: 'FAILED', reason: report.code, detail: report.message }),
        )
        this.#end()
        this.#close({}).catch(() => {})
    }
  }

  async #conclude(verdict: SegmentVerdict, options: AbortOptions): Promise<void> {
    if (this.#ended) {
      throw new ProtocolError({ code: 'DISCONNECTED', detail: 'the attempt has ended already' })
    }
    const bytes = encodeMessage(segmentVerdict, verdict)
    this.#end()
    await this.#close(options, bytes)
  }

  async #close(options: AbortOptions, verdict?: Uint8Array): Promise<void> {
    try {
      await withDeadline('take the verdict', SEGMENT_SEND_TIMEOUT_MS, options, async (signal) => {
        if (verdict !== undefined) await this.#messages.write(verdict, { signal })
        await closeStream(this.#stream, { signal })
      })
    } catch (err) {
      this.#stream.abort(toError(err))
      throw err
    }
  }

  #fail(err: ProtocolError): void {
    if (this.#ended) return
    this.#end()
    this.#settled.reject(err)
    this.#stream.abort(err)
  }

  #end(): void {
    this.#ended = true
    clearTimeout(this.#lease)
    this.#unlink()
  }
}
