/**
 * The coordinator's end of one accepted attempt: reads the worker's reports for as long as the attempt lasts. A stream that breaks is
 * replaced by another one; the attempt fails when nothing has come for the length of the lease.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { AbortOptions, Stream } from '@libp2p/interface'
import { Countdown } from '../countdown.ts'
import { onAbort, withDeadline } from '../deadline.ts'
import { isConnectionRefused, ProtocolError, toError, toProtocolError } from '../errors.ts'
import { encodeMessage, type MessageStream, readMessage } from '../messages.ts'
import { closeStream } from '../streams.ts'
import { SEGMENT_REATTACH_INTERVAL_MS, SEGMENT_SEND_TIMEOUT_MS } from './constants.ts'
import type { SegmentAttempt, SegmentOfferOptions } from './index.ts'
import {
  type SegmentReport,
  type SegmentResult,
  type SegmentVerdict,
  segmentReport,
  segmentVerdict,
} from './messages.ts'

/** A machine that is there, and on which nobody listens any more: so often it is not one that has just got another's address. */
const REFUSALS_MAX = 6

/** A stream on which the worker has accepted the offer. */
export interface Accepted {
  readonly stream: Stream
  readonly messages: MessageStream
}

export interface CoordinatorAttemptInit extends SegmentOfferOptions {
  leaseMs: number
  /** Offers the same once more. @throws ProtocolError */
  reopen(options: AbortOptions): Promise<Accepted>
}

/** A worker that comes back may say these, and then the attempt is over. */
const FINAL: ReadonlySet<string> = new Set(['REFUSED', 'MESSAGE_INVALID', 'MESSAGE_TOO_LARGE'])

export class CoordinatorAttempt implements SegmentAttempt {
  readonly result: Promise<SegmentResult>
  readonly #init: CoordinatorAttemptInit
  readonly #settled = Promise.withResolvers<SegmentResult>()
  readonly #lease: Countdown
  readonly #over = new AbortController()
  #hasResult = false
  #unlink: () => void = () => {}
  /** The stream that is open, or is about to be; undefined where one broke that only the verdict needs. */
  #accepted: Promise<Accepted> | undefined

  constructor(accepted: Accepted, init: CoordinatorAttemptInit) {
    this.#accepted = Promise.resolve(accepted)
    this.#init = init
    this.result = this.#settled.promise
    // A caller that has lost interest in the attempt need not handle its failure.
    this.result.catch(() => {})
    this.#lease = new Countdown(init.leaseMs, () => {
      this.#settled.reject(new ProtocolError({ code: 'LEASE_EXPIRED', leaseMs: init.leaseMs }))
      // Nobody waits for this: a worker that has not heard it waits for a while, and gives up.
      this.#conclude({ type: 'cancel' }, {}).catch(() => {})
    })
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
    this.#conclude({ type: 'cancel' }, {}).catch(() => {})
  }

  get #hasEnded(): boolean {
    return this.#over.signal.aborted
  }

  async #receive(): Promise<void> {
    while (this.#accepted !== undefined) {
      const { stream, messages } = await this.#accepted
      try {
        for (;;) {
          const report = await readMessage(messages, segmentReport, {})
          if (this.#hasEnded) return
          if (!this.#hasResult) this.#lease.refresh()
          this.#onReport(report)
        }
      } catch (err) {
        if (this.#hasEnded) return
        stream.abort(toError(err))
        const failure = toProtocolError(err)
        if (FINAL.has(failure.code)) return this.#fail(failure)
        this.#accepted = this.#hasResult ? undefined : this.#reattach()
        const attached = await this.#accepted?.catch((err: unknown) => this.#fail(toProtocolError(err)))
        if (attached === undefined) return
      }
    }
  }

  /** Until the worker is there again, or the attempt is over. */
  async #reattach(): Promise<Accepted> {
    const { signal } = this.#over
    for (let refusals = 0; ; ) {
      try {
        return await this.#init.reopen({ signal })
      } catch (err) {
        signal.throwIfAborted()
        const failure = toProtocolError(err)
        refusals = isConnectionRefused(failure.cause) ? refusals + 1 : 0
        if (FINAL.has(failure.code) || refusals >= REFUSALS_MAX) throw failure
      }
      await sleep(SEGMENT_REATTACH_INTERVAL_MS, undefined, { signal })
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
        this.#hasResult = true
        this.#lease.stop()
        this.#settled.resolve(report.result)
        return
      case 'failed':
        this.#settled.reject(
          new ProtocolError({ code: 'FAILED', reason: report.code, detail: report.message }),
        )
        this.#end()
        void this.#accepted?.then((accepted) => this.#close(accepted, {})).catch(() => {})
    }
  }

  async #conclude(verdict: SegmentVerdict, options: AbortOptions): Promise<void> {
    if (this.#hasEnded) {
      throw new ProtocolError({ code: 'DISCONNECTED', detail: 'the attempt has ended already' })
    }
    const bytes = encodeMessage(segmentVerdict, verdict)
    // What is not wanted any more a worker that is out of reach gives up by itself.
    const accepted = this.#accepted ?? (verdict.type === 'cancel' ? undefined : this.#init.reopen(options))
    this.#end()
    if (accepted !== undefined) await this.#close(await accepted, options, bytes)
  }

  async #close({ stream, messages }: Accepted, options: AbortOptions, verdict?: Uint8Array): Promise<void> {
    try {
      await withDeadline('take the verdict', SEGMENT_SEND_TIMEOUT_MS, options, async (signal) => {
        if (verdict !== undefined) await messages.write(verdict, { signal })
        await closeStream(stream, { signal })
      })
    } catch (err) {
      stream.abort(toError(err))
      throw err
    }
  }

  #fail(err: ProtocolError): undefined {
    if (this.#hasEnded) return
    this.#end()
    this.#settled.reject(err)
  }

  #end(): void {
    this.#over.abort(new ProtocolError({ code: 'DISCONNECTED', detail: 'the attempt has ended' }))
    this.#lease.stop()
    this.#unlink()
  }
}
