/** Both ends of the pairing protocol. The guest, who typed the code, proves that it knows it first. */

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { AbortOptions, Connection, PeerId, Startable, Stream } from '@libp2p/interface'
import { withDeadline } from '../deadline.ts'
import { ProtocolError } from '../errors.ts'
import { messageStream, readMessage, writeMessage } from '../messages.ts'
import { converse, handleStreams, openStream, type ProtocolComponents } from '../streams.ts'
import { PAIR_BYTES_MAX, PAIR_PROTOCOL, PAIR_STREAMS_MAX, PAIR_TIMEOUT_MS } from './constants.ts'
import { Cpace, type Side } from './cpace.ts'
import type { Pair, PairInit } from './index.ts'
import {
  type PairIntroduction,
  pairAnswer,
  pairIntroduction,
  pairOpening,
  pairProof,
  pairShare,
} from './messages.ts'

const PHASE = 'be paired'

export class PairService implements Pair, Startable {
  readonly [Symbol.toStringTag] = '@ffswarm/pair'
  readonly #components: ProtocolComponents & { peerId: PeerId }
  readonly #init: PairInit
  #isBusy = false

  constructor(components: ProtocolComponents & { peerId: PeerId }, init: PairInit) {
    this.#components = components
    this.#init = init
  }

  async start(): Promise<void> {
    if (this.#init.onPaired === undefined) return
    await handleStreams(this.#components, PAIR_PROTOCOL, this.#onStream, PAIR_STREAMS_MAX)
  }

  async stop(): Promise<void> {
    await this.#components.registrar.unhandle(PAIR_PROTOCOL)
  }

  async introduce(
    peer: PeerId,
    { accept = async () => {}, ...options }: Parameters<Pair['introduce']>[1] = {},
  ): Promise<PairIntroduction> {
    // With its proof this side lets the other one try one code: whoever does not answer that rightly, or at all, has done so.
    let isTried = false
    const setTried = (is: boolean) => {
      isTried = is
    }
    try {
      return await withDeadline(PHASE, PAIR_TIMEOUT_MS, options, async (signal) => {
        const stream = await openStream(this.#components, peer, PAIR_PROTOCOL, { signal })
        return await converse(stream, { signal }, async () => {
          return await this.#asGuest(stream, peer, { accept, setTried, signal })
        })
      })
    } catch (error) {
      options.signal?.throwIfAborted()
      throw isTried ? otherCode(error) : error
    }
  }

  async #asGuest(
    stream: Stream,
    host: PeerId,
    {
      accept,
      setTried,
      ...options
    }: AbortOptions & {
      accept(theirs: PairIntroduction): Promise<void>
      setTried(is: boolean): void
    },
  ): Promise<PairIntroduction> {
    const { code, introduction, random } = this.#init
    const guest = this.#components.peerId
    const session = random(16)
    const cpace = new Cpace({ code, channel: channelOf(guest, host), session, random: random(32) })
    const messages = messageStream(stream, PAIR_BYTES_MAX)
    const opening = { session: toHex(session), share: toHex(cpace.share) }
    await writeMessage(messages, pairOpening, opening, options)
    const { share } = await readMessage(messages, pairShare, options)
    const sides = { guest: sideOf(cpace.share, guest), host: sideOf(fromHex(share), host) }
    const key = finish(cpace, fromHex(share), sides)
    setTried(true)
    await writeMessage(messages, pairProof, { proof: proofOf(key, 'guest') }, options)
    const answer = await readMessage(messages, pairAnswer, options)
    if (answer.type === 'refused' || !isEqual(answer.proof, proofOf(key, 'host'))) throw otherCode()
    setTried(false)
    const theirs = await readMessage(messages, pairIntroduction, options)
    await accept(theirs)
    await writeMessage(messages, pairIntroduction, introduction, options)
    return theirs
  }

  readonly #onStream = async (stream: Stream, connection: Connection): Promise<void> => {
    // Codes are tried one after the other, from however many places.
    if (this.#isBusy) throw new ProtocolError({ code: 'REFUSED', reason: 'BUSY', detail: 'one at a time' })
    this.#isBusy = true
    try {
      const theirs = await withDeadline(PHASE, PAIR_TIMEOUT_MS, {}, async (signal) => {
        const answering = async () => await this.#asHost(stream, connection.remotePeer, { signal })
        return await converse(stream, { signal }, answering)
      })
      if (theirs !== undefined) this.#init.onPaired?.(connection.remotePeer, theirs)
    } finally {
      this.#isBusy = false
    }
  }

  /** @returns undefined: the guest has another code */
  async #asHost(stream: Stream, guest: PeerId, options: AbortOptions): Promise<PairIntroduction | undefined> {
    const { code, introduction, random } = this.#init
    const host = this.#components.peerId
    const messages = messageStream(stream, PAIR_BYTES_MAX)
    const opening = await readMessage(messages, pairOpening, options)
    const session = fromHex(opening.session)
    const cpace = new Cpace({ code, channel: channelOf(guest, host), session, random: random(32) })
    await writeMessage(messages, pairShare, { share: toHex(cpace.share) }, options)
    const sides = { guest: sideOf(fromHex(opening.share), guest), host: sideOf(cpace.share, host) }
    const key = finish(cpace, fromHex(opening.share), sides)
    const { proof } = await readMessage(messages, pairProof, options)
    if (!isEqual(proof, proofOf(key, 'guest'))) {
      // Whether or not the answer is waited for.
      this.#init.onRefused?.(guest)
      await writeMessage(messages, pairAnswer, { type: 'refused' }, options)
      return undefined
    }
    await writeMessage(messages, pairAnswer, { type: 'proven', proof: proofOf(key, 'host') }, options)
    await writeMessage(messages, pairIntroduction, introduction, options)
    return await readMessage(messages, pairIntroduction, options)
  }
}

function otherCode(cause?: unknown): ProtocolError {
  return new ProtocolError({ code: 'REFUSED', reason: 'CODE', detail: 'it shows another code' }, { cause })
}

/** The ends of the connection, whose keys Noise has proved: nobody can stand between them unnoticed. */
function channelOf(guest: PeerId, host: PeerId): Uint8Array {
  return Buffer.from(`ffswarm pair ${guest.toString()} ${host.toString()}`)
}

function sideOf(share: Uint8Array, peer: PeerId): Side {
  return { share, data: Buffer.from(peer.toString()) }
}

/** @throws ProtocolError MESSAGE_INVALID */
function finish(cpace: Cpace, theirs: Uint8Array, { guest, host }: { guest: Side; host: Side }): Uint8Array {
  try {
    return cpace.finish(theirs, guest, host)
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new ProtocolError({ code: 'MESSAGE_INVALID', detail }, { cause })
  }
}

function proofOf(key: Uint8Array, side: 'guest' | 'host'): string {
  return createHmac('sha256', key).update(`ffswarm pair, the ${side} knows the code`).digest('hex')
}

function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(fromHex(a), fromHex(b))
}

const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const fromHex = (text: string) => Buffer.from(text, 'hex')
