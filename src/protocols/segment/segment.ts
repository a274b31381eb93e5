/** The segment service of a node: offers tasks to workers and, where it has a handler, works on those of others. */

import type { AbortOptions, Connection, PeerId, Startable, Stream } from '@libp2p/interface'
import { withDeadline } from '../deadline.ts'
import { ProtocolError, toError } from '../errors.ts'
import { encodeMessage, messageStream, readMessage } from '../messages.ts'
import { handleStreams, openStream, type ProtocolComponents } from '../streams.ts'
import { type Accepted, CoordinatorAttempt } from './attempt.ts'
import {
  SEGMENT_AWAY_MS,
  SEGMENT_DETACHED_MS,
  SEGMENT_HEARTBEAT_MS,
  SEGMENT_LEASE_MS,
  SEGMENT_MESSAGE_BYTES_MAX,
  SEGMENT_OFFER_TIMEOUT_MS,
  SEGMENT_PROTOCOL,
  SEGMENT_RETAIN_MS,
  SEGMENT_STREAMS_MAX,
} from './constants.ts'
import type { Segment, SegmentAttempt, SegmentHandler, SegmentInit, SegmentOfferOptions } from './index.ts'
import { type SegmentOffer, segmentAnswer, segmentOffer } from './messages.ts'
import { Works } from './works.ts'

const NOT_A_WORKER: SegmentHandler = {
  admit: () => ({ code: 'NOT_A_WORKER', message: 'this node takes no tasks' }),
  onOffer: async () => await Promise.reject(new Error('this node takes no tasks')),
  onSettled: () => {},
}

export class SegmentService implements Segment, Startable {
  readonly [Symbol.toStringTag] = '@ffswarm/segment'
  readonly #components: ProtocolComponents
  readonly #init: SegmentInit
  #running = new AbortController()
  #works: Works

  constructor(components: ProtocolComponents, init: SegmentInit) {
    this.#components = components
    this.#init = init
    this.#works = this.#newWorks()
  }

  async start(): Promise<void> {
    this.#running = new AbortController()
    this.#works = this.#newWorks()
    await handleStreams(this.#components, SEGMENT_PROTOCOL, this.#onStream, SEGMENT_STREAMS_MAX)
  }

  async stop(): Promise<void> {
    await this.#components.registrar.unhandle(SEGMENT_PROTOCOL)
    this.#running.abort(new ProtocolError({ code: 'DISCONNECTED', detail: 'this node is stopping' }))
  }

  hurry(): void {
    this.#works.hurry()
  }

  async offer(peer: PeerId, offer: SegmentOffer, options: SegmentOfferOptions = {}): Promise<SegmentAttempt> {
    const bytes = encodeMessage(segmentOffer, offer)
    const reopen = (reopening: AbortOptions) => this.#open(peer, bytes, reopening)
    const accepted = await reopen(options)
    options.onAccepted?.()
    const leaseMs = this.#init.leaseMs ?? SEGMENT_LEASE_MS
    return new CoordinatorAttempt(accepted, { ...options, leaseMs, reopen })
  }

  /** A stream on which the offer is accepted: as a new one, or as one that the worker has in hand. */
  async #open(peer: PeerId, offer: Uint8Array, options: AbortOptions): Promise<Accepted> {
    return await withDeadline('answer the offer', SEGMENT_OFFER_TIMEOUT_MS, options, async (signal) => {
      const stream = await openStream(this.#components, peer, SEGMENT_PROTOCOL, { signal })
      try {
        const messages = messageStream(stream, SEGMENT_MESSAGE_BYTES_MAX)
        await messages.write(offer, { signal })
        const answer = await readMessage(messages, segmentAnswer, { signal })
        if (answer.type === 'refused') {
          throw new ProtocolError({ code: 'REFUSED', reason: answer.code, detail: answer.message })
        }
        return { stream, messages }
      } catch (err) {
        stream.abort(toError(err))
        throw err
      }
    })
  }

  readonly #onStream = async (stream: Stream, connection: Connection): Promise<void> => {
    await this.#works.take(stream, connection.remotePeer)
  }

  #newWorks(): Works {
    return new Works({
      handler: this.#init.handler ?? NOT_A_WORKER,
      heartbeatMs: this.#init.heartbeatMs ?? SEGMENT_HEARTBEAT_MS,
      retainMs: this.#init.retainMs ?? SEGMENT_RETAIN_MS,
      detachedMs: this.#init.detachedMs ?? SEGMENT_DETACHED_MS,
      awayMs: this.#init.awayMs ?? SEGMENT_AWAY_MS,
      signal: this.#running.signal,
    })
  }
}
