/**
 * Who encodes which piece of a live film, and how: each has a time by which it must be there. State without effects; the clock is passed in,
 * in seconds.
 */

export interface LivePiece {
  readonly index: number
  readonly frames: number
  /** By then it must be here. */
  readonly deadline: number
}

export interface LiveAttempt {
  readonly piece: LivePiece
  readonly peer: string
  /** From 1. */
  readonly number: number
  /** With the params that are for need. */
  readonly isFallback: boolean
  /** Others are at the same piece, or were: it was in danger. */
  readonly isDuplicate: boolean
}

export interface DeadlinePolicy {
  /** There are params that encode faster. */
  readonly hasFallback: boolean
  /** Of the film. */
  readonly framesPerSecond: number
}

interface Slot {
  readonly peer: string
  /** It is there for pieces that nobody else would have in time. */
  readonly isRescuer: boolean
  current: Running | undefined
}

interface Running extends LiveAttempt {
  /** As whoever carries it out knows it. */
  readonly attempt: LiveAttempt
  readonly slot: Slot
  readonly began: number
  frames: number
  isEncoded: boolean
}

interface Rates {
  usual: number | undefined
  fallback: number | undefined
  failures: number
  restUntil: number
  /** Attempts that it was given. */
  begun: number
}

/** From the assignment to the first frame, and from the last to its being here and looked at. */
const OVERHEAD_SECONDS = 1
/** What is expected to be there so shortly before its time is in danger. */
const RESERVE_SECONDS = 1.5
/** A second try must be so much sooner to be worth it. */
const GAIN_SECONDS = 0.5
/** How much the last measurement counts. */
const WEIGHT = 0.4
/** Of the time that a piece is expected to take: from then on its own speed counts. */
const TELLING_PART = 0.6
/** Until it was measured: how much faster the params for need are. */
const FALLBACK_SPEEDUP = 2.5
const FAILURES_MAX = 3
const REST_SECONDS = 10
/** A piece that so many have failed at is nobody's fault. */
export const ATTEMPTS_MAX = 5

export class DeadlineScheduler {
  readonly #policy: DeadlinePolicy
  readonly #slots = new Set<Slot>()
  readonly #rates = new Map<string, Rates>()
  /** Not yet there, the most urgent first. */
  readonly #open = new Map<number, { piece: LivePiece; attempts: number; failed: Set<string> }>()
  readonly #running = new Map<LiveAttempt, Running>()

  constructor(policy: DeadlinePolicy) {
    this.#policy = policy
  }

  addPeer(peer: string, slots: number, { isRescuer = false } = {}): void {
    for (let slot = 0; slot < slots; slot++) this.#slots.add({ peer, isRescuer, current: undefined })
    if (!this.#rates.has(peer)) {
      this.#rates.set(peer, { usual: undefined, fallback: undefined, failures: 0, restUntil: 0, begun: 0 })
    }
  }

  /** @returns what it was at, which somebody else is to do now */
  removePeer(peer: string): LiveAttempt[] {
    for (const slot of this.#slots) if (slot.peer === peer) this.#slots.delete(slot)
    const lost = [...this.#running.values()].filter((attempt) => attempt.peer === peer)
    return this.#endAll(lost)
  }

  arrive(piece: LivePiece): void {
    this.#open.set(piece.index, { piece, attempts: 0, failed: new Set() })
  }

  /** It has another time by which it must be there. */
  retime(index: number, deadline: number): void {
    const open = this.#open.get(index)
    if (open !== undefined) open.piece = { ...open.piece, deadline }
  }

  progress(attempt: LiveAttempt, frames: number): void {
    const running = this.#running.get(attempt)
    if (running !== undefined) running.frames = Math.min(frames, running.piece.frames)
  }

  /** Its frames are encoded, and its bytes come here: its slot is free. */
  encoded(attempt: LiveAttempt, now: number): void {
    const running = this.#running.get(attempt)
    if (running === undefined || running.isEncoded) return
    running.isEncoded = true
    running.slot.current = undefined
    const rates = this.#rates.get(running.peer)
    if (rates === undefined) return
    const kind = running.isFallback ? 'fallback' : 'usual'
    const latest = running.piece.frames / Math.max(0.05, now - running.began)
    const before = rates[kind] ?? latest
    rates[kind] = before + WEIGHT * (latest - before)
  }

  /** It is here, and right. @returns what others are at in vain; undefined: somebody was sooner */
  verified(attempt: LiveAttempt): LiveAttempt[] | undefined {
    const running = this.#running.get(attempt)
    if (running === undefined) return undefined
    this.#end(running)
    const rates = this.#rates.get(running.peer)
    if (rates !== undefined) rates.failures = 0
    return this.#open.has(attempt.piece.index) ? this.drop(attempt.piece.index) : undefined
  }

  /** Nobody need make it any more. @returns what is under way of it */
  drop(index: number): LiveAttempt[] {
    this.#open.delete(index)
    const needless = [...this.#running.values()].filter(({ piece }) => piece.index === index)
    return this.#endAll(needless)
  }

  /** @param isBusy the peer has not begun: it works for somebody else */
  failed(attempt: LiveAttempt, now: number, { isBusy = false } = {}): void {
    const running = this.#running.get(attempt)
    if (running === undefined) return
    this.#end(running)
    const rates = this.#rates.get(running.peer)
    if (rates === undefined) return
    if (isBusy) {
      rates.restUntil = now + 1
      return
    }
    this.#open.get(attempt.piece.index)?.failed.add(running.peer)
    rates.failures++
    if (rates.failures >= FAILURES_MAX) {
      rates.restUntil = now + REST_SECONDS
      rates.failures = FAILURES_MAX - 1
    }
  }

  /** Pieces that are not here, though it is time; or that too many have failed at. */
  late(now: number): number[] {
    return [...this.#open.values()]
      .filter(
        ({ piece, attempts }) =>
          now >= piece.deadline || (attempts >= ATTEMPTS_MAX && !this.#isAtWork(piece)),
      )
      .map(({ piece }) => piece.index)
  }

  assign(now: number): LiveAttempt[] {
    const begun: LiveAttempt[] = []
    for (const { piece, attempts } of [...this.#open.values()].sort(
      (a, b) => a.piece.deadline - b.piece.deadline,
    )) {
      if (attempts >= ATTEMPTS_MAX) continue
      const attempt = this.#isAtWork(piece) ? this.#secondTry(piece, now) : this.#firstTry(piece, now)
      if (attempt !== undefined) begun.push(attempt)
    }
    return begun
  }

  #isAtWork({ index }: LivePiece): boolean {
    return [...this.#running.values()].some(({ piece }) => piece.index === index)
  }

  #firstTry(piece: LivePiece, now: number): LiveAttempt | undefined {
    const isInTime = (finish: number) => finish <= piece.deadline - RESERVE_SECONDS
    const best = this.#soonest(piece, now)
    if (best !== undefined && isInTime(best.finish)) return this.#begin(piece, best.slot, now, false)
    // One that is fast, and free in a moment, may have it in time after all.
    const waiting = this.#soonestWhenFree(piece, now)
    if (waiting !== undefined && isInTime(waiting)) return undefined
    const inNeed = this.#soonest(piece, now, true)
    if (inNeed !== undefined && inNeed.finish < (best?.finish ?? waiting ?? Number.POSITIVE_INFINITY)) {
      return this.#begin(piece, inNeed.slot, now, inNeed.isFallback)
    }
    return best === undefined ? undefined : this.#begin(piece, best.slot, now, false)
  }

  /** Of a piece that somebody is at, and will not have in time. */
  #secondTry(piece: LivePiece, now: number): LiveAttempt | undefined {
    const soonest = [...this.#running.values()]
      .filter((attempt) => attempt.piece.index === piece.index)
      .reduce((least, attempt) => Math.min(least, this.#finishOf(attempt, now)), Number.POSITIVE_INFINITY)
    if (soonest <= piece.deadline - RESERVE_SECONDS) return undefined
    const best = this.#soonest(piece, now, true)
    if (best === undefined || best.finish > soonest - GAIN_SECONDS) return undefined
    return this.#begin(piece, best.slot, now, best.isFallback)
  }

  #begin(piece: LivePiece, slot: Slot, now: number, isFallback: boolean): LiveAttempt | undefined {
    const open = this.#open.get(piece.index)
    if (open === undefined) return undefined
    open.attempts++
    const rates = this.#rates.get(slot.peer)
    if (rates !== undefined) rates.begun++
    const isDuplicate = this.#isAtWork(piece)
    const attempt = { piece, peer: slot.peer, number: open.attempts, isFallback, isDuplicate }
    const running = { ...attempt, attempt, slot, began: now, frames: 0, isEncoded: false }
    slot.current = running
    this.#running.set(attempt, running)
    return attempt
  }

  #endAll(running: readonly Running[]): LiveAttempt[] {
    for (const one of running) this.#end(one)
    return running.map(({ attempt }) => attempt)
  }

  #end(running: Running): void {
    this.#running.delete(running.attempt)
    if (running.slot.current === running) running.slot.current = undefined
  }

  /** The idle slot that would have it soonest, with the usual params, or where there is need with whichever. */
  #soonest(
    piece: LivePiece,
    now: number,
    isNeed = false,
  ): { slot: Slot; finish: number; isFallback: boolean } | undefined {
    const failed = this.#open.get(piece.index)?.failed
    let best: { slot: Slot; finish: number; isFallback: boolean; begun: number } | undefined
    for (const slot of this.#slots) {
      const rates = this.#rates.get(slot.peer)
      if (slot.current !== undefined || rates === undefined || now < rates.restUntil) continue
      if (slot.isRescuer && !isNeed) continue
      // Who has failed at it comes last.
      const isOther = failed?.has(slot.peer) === true ? 1e6 : 0
      for (const isFallback of isNeed && this.#policy.hasFallback ? [false, true] : [false]) {
        const finish = now + this.#secondsFor(piece, slot.peer, isFallback) + isOther
        // Better pictures where they are in time as well.
        const isEnough =
          best !== undefined && !best.isFallback && best.finish <= piece.deadline - RESERVE_SECONDS
        const candidate = { slot, finish, isFallback, begun: rates.begun }
        if (best === undefined || (isSooner(candidate, best) && !(isFallback && isEnough))) best = candidate
      }
    }
    return best
  }

  #soonestWhenFree(piece: LivePiece, now: number): number | undefined {
    let soonest: number | undefined
    for (const { current, peer, isRescuer } of this.#slots) {
      if (current === undefined || isRescuer) continue
      const finish = this.#finishOf(current, now) + this.#secondsFor(piece, peer, false)
      if (soonest === undefined || finish < soonest) soonest = finish
    }
    return soonest
  }

  #secondsFor({ frames }: LivePiece, peer: string, isFallback: boolean): number {
    return OVERHEAD_SECONDS + frames / this.#rateOf(peer, isFallback)
  }

  /** Frames a second of one of its slots; of one that is new as of the others, or as the film is shown. */
  #rateOf(peer: string, isFallback: boolean): number {
    const own = this.#rates.get(peer)
    const known = [...this.#rates.values()].flatMap(({ usual }) => usual ?? [])
    const average =
      known.length === 0 ? this.#policy.framesPerSecond : known.reduce((a, b) => a + b, 0) / known.length
    const usual = own?.usual ?? average
    return Math.max(0.01, isFallback ? (own?.fallback ?? usual * FALLBACK_SPEEDUP) : usual)
  }

  #finishOf(attempt: Running, now: number): number {
    if (attempt.isEncoded) return now + OVERHEAD_SECONDS / 2
    const { piece, peer, isFallback, began, frames } = attempt
    const expected = this.#rateOf(peer, isFallback)
    const elapsed = now - began
    const planned = began + OVERHEAD_SECONDS + piece.frames / expected
    // Encoders keep the first frames to look ahead: what is told early says little.
    if (frames === 0 || elapsed < TELLING_PART * (planned - began))
      return Math.max(planned, now + OVERHEAD_SECONDS / 2)
    return now + ((piece.frames - frames) * elapsed) / frames + OVERHEAD_SECONDS / 2
  }
}

/** Of those that are about as soon, whoever has had less to do: a machine that rests now and then lasts longer. */
function isSooner(
  one: { readonly finish: number; readonly begun: number; readonly isFallback: boolean },
  other: { readonly finish: number; readonly begun: number; readonly isFallback: boolean },
): boolean {
  const isAlike = Math.abs(one.finish - other.finish) < ALIKE_SECONDS && one.isFallback === other.isFallback
  return isAlike ? one.begun < other.begun : one.finish < other.finish
}

const ALIKE_SECONDS = 0.5
