/**
 * The worker's end of one attempt: runs the handler, tells of it on whatever stream its coordinator is there with, and holds the result
 * until that has judged it. A stream that breaks is no end: the same offer on another one takes the work up again.
 */

import type { PeerId, Stream } from '@libp2p/interface'
import { Countdown } from '../countdown.ts'
import { onAbort, raceAbort, withDeadline } from '../deadline.ts'
import { ProtocolError, tellFailure, toError } from '../errors.ts'
import { type MessageStream, readMessage, writeMessage } from '../messages.ts'
import { closeStream } from '../streams.ts'
import { SEGMENT_LEAVE_MS, SEGMENT_SEND_TIMEOUT_MS } from './constants.ts'
import type { SegmentHandler, SegmentOutcome } from './index.ts'
import {
  type SegmentAnswer,
  type SegmentOffer,
  type SegmentProgress,
  type SegmentReport,
  segmentAnswer,
  segmentProgress,
  segmentResult,
  segmentVerdict,
} from './messages.ts'
import { Reporter } from './reporter.ts'

export interface WorkInit {
  handler: SegmentHandler
  heartbeatMs: number
  /** How long a result waits for its judgement. */
  retainMs: number
  /** How long it is worked on while the coordinator is out of reach. */
  detachedMs: number
  /** How long it keeps its place from others then. */
  awayMs: number
  /** Aborted when the node stops. */
  signal: AbortSignal
}

export class Work {
  /** Never rejects; the handler has settled by then. */
  readonly outcome: Promise<SegmentOutcome>
  readonly #offer: SegmentOffer
  readonly #peer: PeerId
  readonly #init: WorkInit
  readonly #report: Promise<SegmentReport>
  readonly #settled = Promise.withResolvers<SegmentOutcome>()
  readonly #handling = new AbortController()
  #hasReport = false
  #newest: SegmentProgress | undefined
  #stream: Stream | undefined
  #isHurried = false
  #reporter: Reporter | undefined
  #patience: Countdown | undefined
  #absence: Countdown | undefined
  #isAway = false
  #retention: Countdown | undefined

  constructor(offer: SegmentOffer, peer: PeerId, init: WorkInit) {
    this.#offer = offer
    this.#peer = peer
    this.#init = init
    const unlink = onAbort(init.signal, () => this.#end('lost'))
    this.#report = this.#run()
    this.outcome = this.#settled.promise.then(async (outcome) => {
      unlink()
      this.#patience?.stop()
      this.#absence?.stop()
      this.#retention?.stop()
      if (outcome === 'lost') this.#stream?.abort(new Error('The attempt is given up'))
      this.#handling.abort(new ProtocolError({ code: 'DISCONNECTED', detail: `the attempt was ${outcome}` }))
      await this.#report
      init.handler.onSettled(offer, peer, outcome)
      return outcome
    })
  }

  /** Accepts the offer on a stream, and tells of the work there until the stream ends. Never throws. */
  async serve(stream: Stream, messages: MessageStream): Promise<void> {
    this.#patience?.stop()
    this.#absence?.stop()
    this.#setAway(false)
    // It came back before this side had noticed that it was gone.
    this.#stream?.abort(new Error('The coordinator is there on another stream'))
    this.#stream = stream
    const outcome = await this.#converse(messages)
    if (outcome === 'lost') stream.abort(new Error('The coordinator is lost'))
    else await close(stream, this.#init.signal)
    if (this.#stream !== stream) return
    this.#stream = undefined
    if (outcome !== 'lost') {
      this.#end(outcome)
      return
    }
    this.#wait()
    this.#absence = new Countdown(this.#init.awayMs, () => this.#setAway(true))
  }

  /** This node wants to leave: a coordinator that is not there, or is not any more, is waited for only so long. */
  hurry(): void {
    this.#isHurried = true
    if (this.#stream === undefined) this.#wait()
  }

  /** Tells of the work, and hears what becomes of it. */
  async #converse(messages: MessageStream): Promise<SegmentOutcome> {
    const reporter = new Reporter(messages, this.#init.heartbeatMs)
    const gone = new AbortController()
    const verdict = readVerdict(messages)
    void verdict.then(() => gone.abort(new Error('there is a verdict')))
    try {
      await answer(messages, { type: 'accepted' }, gone.signal)
      if (this.#newest !== undefined) reporter.onProgress(this.#newest)
      this.#reporter = reporter
      reporter.start()
      const report = await Promise.race([verdict, this.#report])
      if (typeof report === 'string') return report
      await reporter.send(report, { signal: gone.signal })
      if (report.type === 'failed') return 'failed'
      return await raceAbort(verdict, this.#init.signal)
    } catch {
      return gone.signal.aborted ? await verdict : 'lost'
    } finally {
      reporter.stop()
      if (this.#reporter === reporter) this.#reporter = undefined
    }
  }

  /** Nobody is there to tell: it is worked on for a while. */
  #wait(): void {
    if (this.#hasReport && !this.#isHurried) return
    const waitMs = this.#isHurried ? SEGMENT_LEAVE_MS : this.#init.detachedMs
    this.#patience?.stop()
    this.#patience = new Countdown(waitMs, () => this.#end('lost'))
  }

  /** The handler's result or failure, as the report that tells of it. */
  async #run(): Promise<SegmentReport> {
    const report = await this.#handle()
    this.#hasReport = true
    if (!this.#isHurried) this.#patience?.stop()
    if (report.type === 'result') {
      this.#retention = new Countdown(this.#init.retainMs, () => this.#end('lost'))
    } else if (this.#stream === undefined) {
      // A failure that nobody hears of is tried again when somebody asks for it again.
      this.#end('lost')
    }
    return report
  }

  async #handle(): Promise<SegmentReport> {
    try {
      const result = await this.#init.handler.onOffer(this.#offer, this.#peer, {
        signal: this.#handling.signal,
        onProgress: (progress) => {
          this.#newest = segmentProgress.parse(progress)
          this.#reporter?.onProgress(this.#newest)
        },
      })
      return { type: 'result', result: segmentResult.parse(result) }
    } catch (err) {
      return { type: 'failed', ...tellFailure(err) }
    }
  }

  #setAway(isAway: boolean): void {
    if (this.#isAway === isAway || this.#hasReport) return
    this.#isAway = isAway
    this.#init.handler.onAway?.(this.#offer, this.#peer, isAway)
  }

  #end(outcome: SegmentOutcome): void {
    this.#settled.resolve(outcome)
  }
}

/** Never rejects: without a verdict, the coordinator is lost. */
async function readVerdict(messages: MessageStream): Promise<SegmentOutcome> {
  try {
    const verdict = await readMessage(messages, segmentVerdict, {})
    switch (verdict.type) {
      case 'acknowledge':
        return 'acknowledged'
      case 'reject':
        return 'rejected'
      case 'cancel':
        return 'cancelled'
    }
  } catch {
    return 'lost'
  }
}

export async function answer(
  messages: MessageStream,
  message: SegmentAnswer,
  signal: AbortSignal,
): Promise<void> {
  await withDeadline('take the answer', SEGMENT_SEND_TIMEOUT_MS, { signal }, async (signal) => {
    await writeMessage(messages, segmentAnswer, message, { signal })
  })
}

/** What has been said stays said where the other side is already gone. */
export async function close(stream: Stream, signal: AbortSignal): Promise<void> {
  try {
    await withDeadline('close', SEGMENT_SEND_TIMEOUT_MS, { signal }, async (signal) => {
      await closeStream(stream, { signal })
    })
  } catch (err) {
    stream.abort(toError(err))
  }
}
