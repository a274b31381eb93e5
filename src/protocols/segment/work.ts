/**
 * The worker's end of one attempt: answers the offer, runs the handler, reports every second, and holds the result
 * until the coordinator has judged it.
 */

import type { PeerId, Stream } from '@libp2p/interface'
import { onAbort, raceAbort, withDeadline } from '../deadline.ts'
import { ProtocolError, tellFailure, toError } from '../errors.ts'
import { type MessageStream, messageStream, readMessage, writeMessage } from '../messages.ts'
import { closeStream } from '../streams.ts'
import { SEGMENT_OFFER_BYTES_MAX, SEGMENT_OFFER_TIMEOUT_MS, SEGMENT_SEND_TIMEOUT_MS } from './constants.ts'
import type { SegmentHandler, SegmentOutcome } from './index.ts'
import {
  type SegmentAnswer,
  type SegmentOffer,
  type SegmentReport,
  segmentAnswer,
  segmentOffer,
  segmentResult,
  segmentVerdict,
} from './messages.ts'
import { Reporter } from './reporter.ts'

export interface WorkInit {
  handler: SegmentHandler
  heartbeatMs: number
  retainMs: number
  /** Aborted when the node stops. */
  signal: AbortSignal
}

/** Works on the offer that comes on the stream. Throws, for libp2p to abort the stream, on a fault of the peer's. */
export async function workOnOffer(stream: Stream, peer: PeerId, init: WorkInit): Promise<void> {
  const messages = messageStream(stream, SEGMENT_OFFER_BYTES_MAX)
  const offer = await withDeadline('offer a task', SEGMENT_OFFER_TIMEOUT_MS, init, async (signal) => {
    return await readMessage(messages, segmentOffer, { signal })
  })
  const refusal = init.handler.admit(offer, peer)
  if (refusal !== undefined) {
    await answer(messages, { type: 'refused', ...tellFailure(refusal) }, init.signal)
    await close(stream, init.signal)
    return
  }
  const outcome = await work(stream, messages, offer, peer, init)
  init.handler.onSettled(offer, peer, outcome)
}

/** Never throws: an accepted offer always comes to an outcome. */
async function work(
  stream: Stream,
  messages: MessageStream,
  offer: SegmentOffer,
  peer: PeerId,
  init: WorkInit,
): Promise<SegmentOutcome> {
  const ended = new AbortController()
  const unlink = onAbort(init.signal, (reason) => ended.abort(reason))
  const reporter = new Reporter(messages, init.heartbeatMs)
  const verdict = readVerdict(messages)
  // A verdict before the result, and a lost stream, end the work at once.
  void verdict.then((outcome) => {
    ended.abort(new ProtocolError({ code: 'DISCONNECTED', detail: `the attempt was ${outcome}` }))
  })
  try {
    await answer(messages, { type: 'accepted' }, ended.signal)
    reporter.start()
    const report = await run(offer, peer, init.handler, reporter, ended.signal)
    if (ended.signal.aborted) {
      return await settle(stream, await raceAbort(verdict, init.signal), init.signal)
    }
    await reporter.send(report, { signal: ended.signal })
    if (report.type === 'failed') return await settle(stream, 'failed', init.signal)
    const outcome = await withDeadline('judge the result', init.retainMs, init, async (signal) => {
      return await raceAbort(verdict, signal)
    })
    return await settle(stream, outcome, init.signal)
  } catch (err) {
    stream.abort(toError(err))
    return 'lost'
  } finally {
    reporter.stop()
    unlink()
  }
}

/** The handler's result or failure, as the report that tells of it. */
async function run(
  offer: SegmentOffer,
  peer: PeerId,
  handler: SegmentHandler,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<SegmentReport> {
  try {
    const onProgress = reporter.onProgress
    const result = await handler.onOffer(offer, peer, { signal, onProgress })
    return { type: 'result', result: segmentResult.parse(result) }
  } catch (err) {
    return { type: 'failed', ...tellFailure(err) }
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

async function answer(messages: MessageStream, message: SegmentAnswer, signal: AbortSignal): Promise<void> {
  await withDeadline('take the answer', SEGMENT_SEND_TIMEOUT_MS, { signal }, async (signal) => {
    await writeMessage(messages, segmentAnswer, message, { signal })
  })
}

async function settle(stream: Stream, outcome: SegmentOutcome, signal: AbortSignal): Promise<SegmentOutcome> {
  if (outcome === 'lost') stream.abort(new Error('The coordinator is lost'))
  else await close(stream, signal)
  return outcome
}

/** What has been said stays said where the other side is already gone. */
async function close(stream: Stream, signal: AbortSignal): Promise<void> {
  try {
    await withDeadline('close', SEGMENT_SEND_TIMEOUT_MS, { signal }, async (signal) => {
      await closeStream(stream, { signal })
    })
  } catch (err) {
    stream.abort(toError(err))
  }
}
