/**
 * Who does what next: all of a job's decisions as state without effects. It is told what happens and when, and answers with
 * what to begin and what to end; times and rates are handed in, so that thousands of jobs can be played through in a second.
 */
import {
  type Attempt,
  encodingSeconds,
  leave,
  newSlot,
  type Slot,
  START_SECONDS,
  secondsUntil,
} from './attempt.ts'
import { ReturnedWorks } from './returned.ts'
import { deliveryRate, framesForSlot, type SchedulePolicy, type SlotView, updateRate } from './sizing.ts'
import { Speedometer } from './speed.ts'
import type { Assignment, Carver, Consequence, FailureKind, Piece, Stretch } from './types.ts'
import { isEmpty, isSettled, newWork, tasksOf, type Work } from './work.ts'

/** A task that fails on this many tries fails for a reason of its own, if everybody has tried it; otherwise on three times as many. */
export const ATTEMPTS_MAX = 4
/** A peer that fails this often in a row is broken, not unlucky: it is given a long rest, and after some of them no more work. */
const PEER_FAILURES_MAX = 3
const LONG_REST_SECONDS = 30
const LONG_RESTS_MAX = 4
/** Seconds that a peer which failed is given a rest. One that is busy for others may be free any moment. */
const REST_SECONDS = 2
const BUSY_SECONDS = 1
/** By so much must others be sooner before a task is done twice. */
const SOONER = 1.15
const SOONER_SECONDS = 1
/** Slots that are on their last second are given their next task, which starts meanwhile. */
const AHEAD_SECONDS = 1
/** A slot whose segments come here more slowly than they are encoded waits for them: so many lie with the peer at most. */
const WAITING_MAX = 2
/** What others did once more while it was on its way says something of the way if it was so long. */
const SLOW_LINK_SECONDS = 2

/** Where more of the film is about to be known, a slot takes no less than this part of what it should. */
const WORTHWHILE = 0.5

export class Scheduler<Task extends Piece> {
  readonly #carver: Carver<Task>
  readonly #policy: SchedulePolicy
  readonly #slots = new Set<Slot<Task>>()
  /** Frames a second at which a peer's segments come here, each by itself; of those that were brought at all. */
  readonly #links = new Map<string, number>()
  /** How often a peer was given a long rest. */
  readonly #longRests = new Map<string, number>()
  readonly #running = new Map<Assignment<Task>, Attempt<Task>>()
  readonly #returned = new ReturnedWorks<Task>()
  readonly #works: Work<Task>[] = []
  /** Those that are done once more, in parts of which some are in no task yet. */
  readonly #open = new Set<Work<Task>>()
  /** What is in no task yet, in the film's order. */
  #left: Stretch[]

  constructor(carver: Carver<Task>, policy: SchedulePolicy) {
    this.#carver = carver
    this.#policy = policy
    this.#left = [{ first: 0, end: carver.totalFrames }]
  }

  /** The carver knows more of the film. */
  grow(): void {
    const last = this.#left.pop()
    if (last !== undefined) this.#left.push({ first: last.first, end: this.#carver.totalFrames })
  }

  /**
   * Tasks whose frames were there before the job began, before anything else is begun: all of the film must be known.
   *
   * @param done,inHand none of which has a frame of another one; those in hand are with a peer, and wait for it for a while
   * @param until seconds
   */
  restore(
    done: readonly Task[],
    inHand: readonly { task: Task; peer: string }[] = [],
    until = Number.NEGATIVE_INFINITY,
  ): void {
    for (const task of done) this.#works.push({ ...newWork(task, undefined), isDone: true })
    const held = inHand.map(({ task, peer }) => ({ ...newWork(task, undefined), holder: peer }))
    this.#works.push(...held)
    this.#returned.hold(held, until)
    let first = 0
    this.#left = []
    for (const { task } of this.#works.toSorted((a, b) => a.task.first - b.task.first)) {
      if (task.first > first) this.#left.push({ first, end: task.first })
      first = task.first + task.frames
    }
    this.#left.push({ first, end: this.#carver.totalFrames })
  }

  /** @param rate frames a second of a slot, from jobs before; undefined: its first task measures it */
  addPeer(peer: string, slots: number, rate?: number): void {
    for (let count = 0; count < slots; count++) {
      this.#slots.add(newSlot(peer, rate))
    }
  }

  /** A peer that takes what others fail at, whatever else it does. */
  addRescuer(peer: string): void {
    this.#slots.add({ ...newSlot(peer, undefined), isRescuer: true })
  }

  /**
   * A peer that is there takes another number of tasks at once. Slots that are at something stay until it is done.
   *
   * @returns whether it has more than before
   */
  setSlots(peer: string, slots: number): boolean {
    const own = this.#slotsOf(peer)
    const [known] = own
    if (known === undefined) return false
    for (let count = own.length; count < slots; count++) {
      this.#slots.add({ ...newSlot(peer, known.rate), restUntil: known.restUntil })
    }
    const idle = own.filter(({ attempts }) => attempts.length === 0)
    for (const slot of idle.slice(0, Math.max(0, own.length - slots))) this.#slots.delete(slot)
    return own.length < slots
  }

  /** Whether it has slots: it came, and was not left out since. */
  employs(peer: string): boolean {
    return this.#slotsOf(peer).length > 0
  }

  #slotsOf(peer: string): Slot<Task>[] {
    return [...this.#slots].filter((slot) => slot.peer === peer && !slot.isRescuer)
  }

  get peers(): ReadonlySet<string> {
    return new Set([...this.#slots].flatMap(({ peer, isRescuer }) => (isRescuer ? [] : [peer])))
  }

  /** Frames a second of a peer's slots, as far as they are known. */
  get rates(): ReadonlyMap<string, number> {
    const rates = new Map<string, number>()
    for (const { peer, rate } of this.#slots) if (rate !== undefined) rates.set(peer, rate)
    return rates
  }

  /** The peer is gone. @returns what it was doing, which is to be ended; its tasks are someone else's now */
  removePeer(peer: string): Assignment<Task>[] {
    const ended = [...this.#running.values()].filter(
      ({ slot, bringing }) => slot.peer === peer && bringing === undefined,
    )
    for (const slot of this.#slotsOf(peer)) this.#slots.delete(slot)
    for (const attempt of ended) {
      this.#end(attempt)
      this.#giveBack(attempt.work)
    }
    return ended
  }

  /** The peer takes no more: what it has begun it finishes. @returns whether that is news */
  retirePeer(peer: string): boolean {
    const working = this.#slotsOf(peer).filter(({ restUntil }) => Number.isFinite(restUntil))
    for (const slot of working) slot.restUntil = Number.POSITIVE_INFINITY
    return working.length > 0
  }

  /** All frames are there. */
  get isDone(): boolean {
    if (this.#carver.unseenFrames > 0) return false
    return (
      this.#framesLeft === 0 && this.#open.size === 0 && this.#returned.isEmpty && this.#running.size === 0
    )
  }

  /** The tasks whose frames are there, in the film's order; all of the film once it is done. */
  get done(): readonly Task[] {
    return this.#works.flatMap(tasksOf).sort((a, b) => a.first - b.first)
  }

  /** Frames that are there or encoded; a stretch that is done twice counts once. */
  get framesDone(): number {
    const best = new Map<Work<Task>, number>()
    for (const { work, speed } of this.#running.values()) {
      best.set(work, Math.max(best.get(work) ?? 0, Math.min(speed.frames, work.task.frames)))
    }
    const doneOf = (work: Work<Task>): number => {
      if (work.isDone) return work.task.frames
      const inParts = work.parts?.works.reduce((sum, part) => sum + doneOf(part), 0) ?? 0
      return Math.max(inParts, best.get(work) ?? 0)
    }
    return this.#works.reduce((sum, work) => sum + doneOf(work), 0)
  }

  /** What is under way, and how many frames of each are encoded. */
  get underWay(): readonly { readonly assignment: Assignment<Task>; readonly frames: number }[] {
    return [...this.#running.values()].map((attempt) => ({
      assignment: attempt,
      frames: Math.min(attempt.speed.frames, attempt.task.frames),
    }))
  }

  /**
   * Until the last of what is under way is here, as far as it can be told; where several are at one task, by the soonest.
   *
   * @param now seconds
   * @returns undefined while there is more to give out
   */
  secondsToEnd(now: number): number | undefined {
    if (this.#left.some(({ first, end }) => end > first) || !this.#returned.isEmpty) return undefined
    const usual = this.#usualRate()
    const soonest = new Map<Work<Task>, number>()
    for (const attempt of this.#running.values()) {
      // What others have taken over in parts is not awaited.
      if (attempt.work.parts !== undefined) continue
      const others = soonest.get(attempt.work) ?? Number.POSITIVE_INFINITY
      soonest.set(attempt.work, Math.min(others, this.#secondsLeft(attempt, now, usual)))
    }
    const seconds = Math.max(0, ...soonest.values())
    return Number.isFinite(seconds) ? seconds : undefined
  }

  /**
   * What to begin now.
   *
   * @param now seconds
   * @param mayWork whether a peer may be given anything
   */
  assign(now: number, mayWork: (peer: string) => boolean = () => true): Assignment<Task>[] {
    const usual = this.#usualRate()
    const views = new Map<Slot<Task>, SlotView>()
    const free: Slot<Task>[] = []
    for (const slot of this.#slots) {
      if (slot.isRescuer) {
        if (slot.attempts.length === 0) free.push(slot)
        continue
      }
      if (!mayWork(slot.peer)) continue
      if (slot.restUntil <= now || slot.attempts.length > 0) views.set(slot, this.#viewOf(slot, now))
      if (slot.restUntil <= now && this.#isFree(slot, now, usual)) free.push(slot)
    }
    if (free.length === 0) return []
    if (free.some(({ isRescuer }) => !isRescuer)) this.#takeOver(views, now, usual)
    // The fastest first: what is left in the end is theirs.
    free.sort((a, b) => (b.rate ?? usual) - (a.rate ?? usual))
    const begun: Assignment<Task>[] = []
    for (const slot of free) {
      const work = this.#nextFor(slot, views, now)
      if (work === undefined) continue
      const attempt: Attempt<Task> = {
        ...{ peer: slot.peer, task: work.task, number: work.attempts + 1 },
        ...{ slot, work, speed: new Speedometer(now), bringing: undefined },
      }
      slot.attempts.push(attempt)
      this.#running.set(attempt, attempt)
      if (!slot.isRescuer) views.set(slot, this.#viewOf(slot, now))
      begun.push(attempt)
    }
    return begun
  }

  /** @param frames encoded since the attempt began */
  progress(assignment: Assignment<Task>, frames: number, now: number): void {
    this.#running.get(assignment)?.speed.report(frames, now)
  }

  /** The encoder is done, and the slot free: the segment is still to be brought and verified. */
  encoded(assignment: Assignment<Task>, seconds: number, now: number): void {
    const attempt = this.#running.get(assignment)
    if (attempt === undefined || attempt.bringing !== undefined) return
    attempt.bringing = new Speedometer(now)
    attempt.slot.waiting++
    attempt.speed.report(attempt.task.frames, now)
    attempt.slot.rate = updateRate(attempt.slot.rate, attempt.task.frames, seconds)
    leave(attempt)
  }

  /** @param part of the segment's bytes that is here, from 0 to 1 */
  brought(assignment: Assignment<Task>, part: number, now: number): void {
    const attempt = this.#running.get(assignment)
    if (attempt?.bringing === undefined) return
    const { task, slot, bringing } = attempt
    bringing.report(part * task.frames, now)
    if (part < 1) return
    this.#links.set(slot.peer, updateRate(this.#links.get(slot.peer), task.frames, bringing.age(now)))
  }

  /** @returns the attempts to end since others were sooner; undefined where they were sooner than this one */
  verified(assignment: Assignment<Task>, now: number): readonly Assignment<Task>[] | undefined {
    const attempt = this.#running.get(assignment)
    if (attempt === undefined) return undefined
    this.#end(attempt)
    const { work, slot } = attempt
    slot.failures = 0
    if (isSettled(work)) return undefined
    work.isDone = true
    const isTwice = work.parts !== undefined || work.whole !== undefined
    return isTwice ? this.#endNeedless(now) : []
  }

  failed(assignment: Assignment<Task>, kind: FailureKind, now: number): Consequence {
    const attempt = this.#running.get(assignment)
    if (attempt === undefined) return 'again'
    this.#end(attempt)
    const { work, slot } = attempt
    if (isSettled(work)) return 'again'
    if (kind === 'failed') {
      work.attempts++
      work.failedPeers.add(slot.peer)
    }
    this.#giveBack(work)
    if (kind === 'other-build') return 'leave-out'
    const isUntried = [...this.#slots].some(({ peer }) => !work.failedPeers.has(peer))
    if (work.attempts >= (isUntried ? 3 : 1) * ATTEMPTS_MAX) {
      // The others go on without it.
      this.#returned.withdraw(work)
      return 'give-up'
    }
    // It was under way when its peer was given a rest, and says no more of it.
    if (isRestingLong(slot, now)) return 'again'
    slot.restUntil = Math.max(slot.restUntil, now + (kind === 'refused' ? BUSY_SECONDS : REST_SECONDS))
    if (kind !== 'failed' || slot.isRescuer) return 'again'
    slot.failures++
    // Who is alone with it is tried until the task is given up.
    const isPassable = slot.failures < PEER_FAILURES_MAX || this.peers.size === 1
    return isPassable ? 'again' : this.#restLong(slot, now)
  }

  /** Longer each time. */
  #restLong({ peer }: Slot<Task>, now: number): Consequence {
    const rests = (this.#longRests.get(peer) ?? 0) + 1
    this.#longRests.set(peer, rests)
    if (rests > LONG_RESTS_MAX) return 'leave-out'
    for (const slot of this.#slotsOf(peer)) {
      slot.restUntil = Math.max(slot.restUntil, now + LONG_REST_SECONDS * 2 ** (rests - 1))
      // A single failure more is one too many.
      slot.failures = PEER_FAILURES_MAX - 1
    }
    return 'rest'
  }

  #areAllResting(now: number): boolean {
    return [...this.#slots].every((slot) => slot.isRescuer || isRestingLong(slot, now))
  }

  /** Whoever is at what is there by other means: too slow for it, and known to be from now on. */
  #endNeedless(now: number): Assignment<Task>[] {
    const needless = [...this.#running.values()].filter(({ work }) => isSettled(work))
    for (const attempt of needless) {
      const { slot, speed, bringing } = attempt
      if (bringing !== undefined) this.#learnSlowLink(slot.peer, bringing, now)
      else if (slot.rate !== undefined) slot.rate = Math.min(slot.rate, speed.at(now, slot.rate))
      this.#end(attempt)
    }
    this.#returned.forgetSettled()
    for (const work of this.#open) if (isSettled(work)) this.#open.delete(work)
    return needless
  }

  /** Of a segment that is not wanted any more before it was here. */
  #learnSlowLink(peer: string, bringing: Speedometer, now: number): void {
    const seconds = bringing.age(now)
    if (seconds < SLOW_LINK_SECONDS) return
    const known = this.#links.get(peer) ?? Number.POSITIVE_INFINITY
    this.#links.set(peer, Math.min(known, Math.max(1, bringing.frames) / seconds))
  }

  /** Unless others do it anyway. */
  #giveBack(work: Work<Task>): void {
    if (work.parts !== undefined) work.parts.slow = undefined
    else if (!isSettled(work)) this.#returned.add(work)
  }

  #end(attempt: Attempt<Task>): void {
    if (!this.#running.delete(attempt)) return
    if (attempt.bringing !== undefined) attempt.slot.waiting--
    leave(attempt)
  }

  #usualRate(): number {
    let sum = 0
    let known = 0
    for (const { rate } of this.#slots) {
      if (rate === undefined) continue
      sum += rate
      known++
    }
    return known === 0 ? 1 : sum / known
  }

  #isFree({ attempts, waiting }: Slot<Task>, now: number, usual: number): boolean {
    if (waiting >= WAITING_MAX) return false
    const [current, next] = attempts
    if (current === undefined) return true
    if (this.#policy.isPull === true) return false
    return (
      next === undefined && current.speed.frames > 0 && encodingSeconds(current, now, usual) < AHEAD_SECONDS
    )
  }

  #nextFor(slot: Slot<Task>, views: ReadonlyMap<Slot<Task>, SlotView>, now: number): Work<Task> | undefined {
    if (!this.#returned.isEmpty) {
      const peers = new Set([...views.keys()].map(({ peer }) => peer))
      const returned = slot.isRescuer
        ? this.#returned.takeRescue(slot.peer, { peers, areAllResting: this.#areAllResting(now) })
        : this.#returned.takeFor(slot.peer, peers, now)
      if (returned !== undefined) return returned
    }
    if (slot.isRescuer) return undefined
    let whole: Work<Task> | undefined
    const { unseenFrames } = this.#carver
    const seen = this.#framesLeft
    let remaining = seen + unseenFrames
    for (const work of this.#open) {
      if (work.parts === undefined || work.parts.slow === slot.peer) continue
      whole ??= work
      remaining += work.parts.left.end - work.parts.left.first
    }
    if (remaining === 0) return undefined
    const others: SlotView[] = []
    for (const [other, view] of views) if (other !== slot) others.push(view)
    const own = { rate: slot.rate, pendingFrames: 0, link: this.#links.get(slot.peer) }
    const frames = framesForSlot(own, others, remaining, this.#policy)
    // Better a whole piece in a moment than a rest of one now.
    if (whole === undefined && unseenFrames > 0 && seen < frames * WORTHWHILE) return undefined
    return frames === 0 ? undefined : this.#carve(whole, frames)
  }

  get #framesLeft(): number {
    return this.#left.reduce((sum, { first, end }) => sum + end - first, 0)
  }

  /** The first that has frames; the last one stays, for it may grow. */
  #nextStretch(): Stretch {
    for (;;) {
      const [first, ...others] = this.#left
      if (first === undefined) throw new RangeError('nothing of the film is left')
      if (!isEmpty(first) || others.length === 0) return first
      this.#left = others
    }
  }

  #carve(whole: Work<Task> | undefined, frames: number): Work<Task> {
    const stretch = whole?.parts?.left ?? this.#nextStretch()
    const task = this.#carver.carve(stretch, Math.min(frames, stretch.end - stretch.first))
    const left = { first: task.first + task.frames, end: stretch.end }
    const work = newWork(task, whole)
    if (whole?.parts === undefined) {
      this.#left[0] = left
      this.#works.push(work)
    } else {
      whole.parts.left = left
      whole.parts.works.push(work)
      if (isEmpty(left)) this.#open.delete(whole)
    }
    return work
  }

  /**
   * A task whose slot is so slow that the others are sooner done with everything else and with this one too becomes theirs as
   * well, in parts. The slow one goes on, as it may recover: whoever is done first has done it.
   */
  #takeOver(views: ReadonlyMap<Slot<Task>, SlotView>, now: number, usual: number): void {
    let rates = 0
    let pending = this.#framesLeft + this.#carver.unseenFrames
    for (const view of views.values()) {
      rates += deliveryRate(view) ?? 0
      pending += view.pendingFrames
    }
    for (const attempt of this.#running.values()) {
      const { work, slot, task } = attempt
      if (work.parts !== undefined || isSettled(work)) continue
      const own = views.get(slot)
      const ownRate = own === undefined ? undefined : deliveryRate(own)
      const othersRate = rates - (ownRate ?? 0)
      if (othersRate <= 0) continue
      const theirs = (pending - (own?.pendingFrames ?? 0) + task.frames) / othersRate + START_SECONDS
      if (this.#secondsLeft(attempt, now, usual) < theirs * SOONER + SOONER_SECONDS) continue
      const left = { first: task.first, end: task.first + task.frames }
      work.parts = { left, works: [], slow: slot.peer }
      this.#open.add(work)
    }
  }

  /** Until an attempt's segment is here, as far as it can be told. */
  #secondsLeft(attempt: Attempt<Task>, now: number, usual: number): number {
    const { slot, task, bringing } = attempt
    const link = this.#links.get(slot.peer) ?? Number.POSITIVE_INFINITY
    return bringing === undefined
      ? encodingSeconds(attempt, now, usual) + task.frames / link
      : secondsUntil(task.frames, bringing, { now, expected: link })
  }

  /** What others count with: nothing of a task that they have taken over. */
  #viewOf({ peer, rate, attempts }: Slot<Task>, now: number): SlotView {
    let pendingFrames = 0
    for (const { work, task, speed } of attempts) {
      if (work.parts === undefined) pendingFrames += Math.max(0, task.frames - speed.frames)
    }
    const link = this.#links.get(peer)
    const speed = attempts[0]?.speed
    return rate === undefined || speed === undefined
      ? { rate, pendingFrames, link }
      : { rate: speed.at(now, rate), pendingFrames, link }
  }
}

/** Or it takes no more at all. */
function isRestingLong<Task extends Piece>({ restUntil }: Slot<Task>, now: number): boolean {
  return restUntil > now + REST_SECONDS
}
