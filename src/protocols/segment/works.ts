/** What a worker has in hand, by whose it is and what it is: an offer that is there already is taken up again. */

import { createHash } from 'node:crypto'
import type { PeerId, Stream } from '@libp2p/interface'
import { withDeadline } from '../deadline.ts'
import { tellFailure } from '../errors.ts'
import { encodeMessage, messageStream, readMessage } from '../messages.ts'
import { SEGMENT_OFFER_BYTES_MAX, SEGMENT_OFFER_TIMEOUT_MS } from './constants.ts'
import { type SegmentOffer, segmentOffer } from './messages.ts'
import { answer, close, Work, type WorkInit } from './work.ts'

export class Works {
  readonly #init: WorkInit
  readonly #works = new Map<string, Work>()
  #isHurried = false

  constructor(init: WorkInit) {
    this.#init = init
  }

  /** As of {@link Work.hurry}, for all that is in hand and all that comes. */
  hurry(): void {
    this.#isHurried = true
    for (const work of this.#works.values()) work.hurry()
  }

  /** Works on the offer that comes on the stream. Throws, for libp2p to abort the stream, on a fault of the peer's. */
  async take(stream: Stream, peer: PeerId): Promise<void> {
    const { handler, signal } = this.#init
    const messages = messageStream(stream, SEGMENT_OFFER_BYTES_MAX)
    const offer = await withDeadline('offer a task', SEGMENT_OFFER_TIMEOUT_MS, this.#init, async (signal) => {
      return await readMessage(messages, segmentOffer, { signal })
    })
    const key = `${peer.toString()} ${digestOf(offer)}`
    const known = this.#works.get(key)
    if (known !== undefined) {
      await known.serve(stream, messages)
      return
    }
    const refusal = handler.admit(offer, peer)
    if (refusal !== undefined) {
      await answer(messages, { type: 'refused', ...tellFailure(refusal) }, signal)
      await close(stream, signal)
      return
    }
    const work = new Work(offer, peer, this.#init)
    this.#works.set(key, work)
    if (this.#isHurried) work.hurry()
    void work.outcome.then(() => {
      if (this.#works.get(key) === work) this.#works.delete(key)
    })
    await work.serve(stream, messages)
  }
}

/** Of all that decides the result: a coordinator that was started again counts its attempts anew, and may know more of the file. */
function digestOf(offer: SegmentOffer): string {
  const same = { ...offer, attempt: 0, source: { ...offer.source, bytes: null } }
  return createHash('sha256').update(encodeMessage(segmentOffer, same)).digest('hex')
}
