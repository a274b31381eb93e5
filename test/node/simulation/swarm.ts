/**
 * A swarm in virtual time: peers with speeds, links and faults of their own do what the real scheduler says. Nothing here
 * waits: a job of hours takes milliseconds, and a seed makes it the same again.
 */
import {
  type Assignment,
  type Piece,
  type SchedulePolicy,
  Scheduler,
  type Stretch,
} from '../../../src/node/scheduler/index.ts'
import { seededRandom } from '../../helpers/random.ts'
import { Timeline } from './timeline.ts'

export interface PeerModel {
  readonly name: string
  readonly slots: number
  /** Frames a second of one slot at a time of the job; 0: it hangs. */
  speed(now: number): number
  /** What is remembered of its speed from jobs before. */
  readonly remembered?: number
  /** Seconds from the assignment of a task to its first frame. */
  readonly startSeconds: number
  /** Seconds to bring and verify a segment, beside what its link takes. */
  readonly bringSeconds: number
  /** Frames a second that its link carries to the coordinator; undefined: any number. */
  readonly link?: number
  /** It reads the source over the coordinator's uplink; otherwise the source is at hand. */
  readonly isRemote?: boolean
  /** Of its tasks, the part that fails. */
  readonly failing: number
  readonly joins: number
  /** When it is gone for good, and how long it takes until that is noticed. */
  readonly leaves: number
  readonly noticeSeconds: number
}

export interface SwarmModel {
  readonly seed: number
  readonly frames: number
  readonly peers: readonly PeerModel[]
  readonly policy: SchedulePolicy
  /** What a frame costs beside others: 1 is usual. */
  cost?(frame: number): number
  /** Frames of the source a second that the coordinator's uplink carries, to all peers together; undefined: any number. */
  readonly uplink?: number
  /** Places where a cut is cheap, ascending. */
  readonly keyframes?: readonly number[]
  /** How long it takes until all of the film is known, and what is thought of its length before; undefined: it is known at once. */
  readonly reading?: { readonly seconds: number; readonly expectedFrames: number }
}

export interface Played {
  /** Seconds until all frames were there. */
  readonly makespan: number
  readonly outcome: 'done' | 'gave up' | 'stuck'
  /** The tasks that make up the film. */
  readonly tasks: readonly Piece[]
  readonly attempts: number
  /** Frames that were encoded for nothing. */
  readonly wasted: number
  /** Slot seconds without work while work was left, of all. */
  readonly idleShare: number
  readonly decisionMs: number
  readonly decisions: number
}

const REPORT_SECONDS = 1
/** Links are looked at so often: by then others may have begun to share them. */
const CARRY_SECONDS = 0.25
const GIVE_UP_SECONDS = 500_000

interface Running {
  readonly assignment: Assignment<Piece>
  readonly model: PeerModel
  /** When its encoder begins and what it has done since. */
  startsAt: number
  doneCost: number
  readonly cost: number
  at: number
  ended: boolean
}

/** Plays a job from its beginning to its end. */
export function play(model: SwarmModel): Played {
  const random = seededRandom(model.seed)
  const costs = prefixCosts(model)
  const carver = carverOf(model)
  const scheduler = new Scheduler<Piece>(carver, model.policy)
  const timeline = new Timeline()
  const running = new Map<Assignment<Piece>, Running>()
  const present = new Set<PeerModel>()
  /** Segments on their way. */
  const brought = new Map<Assignment<Piece>, Running>()
  const carried = new Map<PeerModel, number>()
  let attempts = 0
  let wasted = 0
  let decisionMs = 0
  let decisions = 0
  let outcome: Played['outcome'] | undefined
  let busySeconds = 0

  for (const peer of model.peers) {
    timeline.at(peer.joins, () => {
      present.add(peer)
      scheduler.addPeer(peer.name, peer.slots, peer.remembered)
    })
    if (Number.isFinite(peer.leaves)) {
      timeline.at(peer.leaves, () => present.delete(peer))
      timeline.at(peer.leaves + peer.noticeSeconds, () => {
        for (const assignment of scheduler.removePeer(peer.name)) drop(assignment)
      })
    }
  }
  if (model.reading !== undefined) readOn(model.reading.seconds / 100, model.reading.seconds)
  tick()

  while (outcome === undefined) {
    if (!timeline.step()) {
      outcome = 'stuck'
      break
    }
    assign()
    if (scheduler.isDone) outcome = 'done'
    else if (timeline.now > GIVE_UP_SECONDS) outcome = 'stuck'
  }
  const present0 = model.peers.reduce(
    (sum, { slots, joins, leaves }) => sum + slots * Math.max(0, Math.min(leaves, timeline.now) - joins),
    0,
  )
  return {
    makespan: timeline.now,
    outcome,
    tasks: scheduler.done,
    attempts,
    wasted,
    idleShare: 1 - busySeconds / present0,
    decisionMs,
    decisions,
  }

  /** Each look at what has been read comes after twice the time. */
  function readOn(wait: number, end: number): void {
    timeline.at(Math.min(timeline.now + wait, end), () => {
      carver.read(timeline.now)
      scheduler.grow()
      if (timeline.now < end) readOn(2 * wait, end)
    })
  }

  function assign(): void {
    const before = performance.now()
    const begun = scheduler.assign(timeline.now)
    decisionMs += performance.now() - before
    decisions += Math.max(1, begun.length)
    for (const assignment of begun) begin(assignment)
  }

  function begin(assignment: Assignment<Piece>): void {
    const peer = model.peers.find(({ name }) => name === assignment.peer)
    if (peer === undefined) throw new Error('nobody has this name')
    attempts++
    const { first, frames } = assignment.task
    const cost = (costs[first + frames] ?? 0) - (costs[first] ?? 0)
    const before = [...running.values()].filter(({ assignment: other }) => other.peer === assignment.peer)
    const one: Running = {
      ...{ assignment, model: peer, cost, doneCost: 0, at: timeline.now, ended: false },
      startsAt: timeline.now + peer.startSeconds,
    }
    // A slot that is given its next task early does not encode two at once.
    if (before.length >= peer.slots) one.startsAt = Number.POSITIVE_INFINITY
    running.set(assignment, one)
    if (random() < peer.failing) timeline.in(peer.startSeconds + random() * 5, () => fail(one))
    else follow(one)
  }

  /** Ends the attempt when its frames are through, looking again at least as often as speeds may change. */
  function follow(one: Running): void {
    if (one.ended) return
    advance(one)
    const left = one.cost - one.doneCost
    if (left <= 1e-9) {
      finish(one)
      return
    }
    const speed = speedOf(one)
    const wait =
      timeline.now < one.startsAt ? one.startsAt - timeline.now : speed > 0 ? left / speed : REPORT_SECONDS
    timeline.in(Math.max(1e-6, Math.min(wait, REPORT_SECONDS)), () => follow(one))
  }

  function advance(one: Running): void {
    const from = Math.max(one.at, one.startsAt)
    if (timeline.now > from && present.has(one.model)) {
      const seconds = timeline.now - from
      one.doneCost += Math.min(one.model.speed(one.at), speedOf(one)) * seconds
      busySeconds += seconds
    }
    one.at = timeline.now
  }

  function finish(one: Running): void {
    one.ended = true
    running.delete(one.assignment)
    wake(one)
    scheduler.encoded(one.assignment, timeline.now - one.startsAt + one.model.startSeconds, timeline.now)
    carried.set(one.model, (carried.get(one.model) ?? 0) + 1)
    brought.set(one.assignment, one)
    carry(one, 0)
  }

  /** A segment's way over its peer's link, which others of the same peer share. */
  function carry(one: Running, frames: number): void {
    const { frames: all } = one.assignment.task
    const { link = Number.POSITIVE_INFINITY } = one.model
    const rate = link / (carried.get(one.model) ?? 1)
    const wait = Math.min(CARRY_SECONDS, (all - frames) / rate)
    const next = wait < CARRY_SECONDS ? all : frames + rate * wait
    timeline.in(Math.max(1e-6, wait), () => {
      // Somebody was sooner.
      if (!brought.has(one.assignment)) return
      if (!present.has(one.model)) lose(one)
      else {
        scheduler.brought(one.assignment, next / all, timeline.now)
        if (next < all) carry(one, next)
        else verify(one)
      }
    })
  }

  function verify(one: Running): void {
    timeline.in(one.model.bringSeconds, () => {
      if (!brought.has(one.assignment)) return
      if (!present.has(one.model)) {
        lose(one)
        return
      }
      arrive(one)
      const needless = scheduler.verified(one.assignment, timeline.now)
      if (needless === undefined) wasted += one.assignment.task.frames
      for (const other of needless ?? []) drop(other)
    })
  }

  /** What left before it was brought is lost. */
  function lose(one: Running): void {
    arrive(one)
    timeline.in(one.model.noticeSeconds, () => scheduler.failed(one.assignment, 'lost', timeline.now))
  }

  function arrive(one: Running): void {
    brought.delete(one.assignment)
    carried.set(one.model, (carried.get(one.model) ?? 1) - 1)
  }

  /** As fast as it can, and as its part of the uplink lets it. */
  function speedOf({ model: peer, startsAt }: Running): number {
    if (!present.has(peer)) return 0
    const own = peer.speed(timeline.now)
    if (model.uplink === undefined || peer.isRemote !== true || startsAt > timeline.now) return own
    return Math.min(own, fairPart(own, model.uplink))
  }

  /** Everybody gets the same of it, and what some do not need is shared out among the others. */
  function fairPart(own: number, uplink: number): number {
    const wanted = [...running.values()]
      .filter(({ model: peer, startsAt }) => peer.isRemote === true && startsAt <= timeline.now)
      .map(({ model: peer }) => peer.speed(timeline.now))
      .sort((a, b) => a - b)
    let left = uplink
    for (const [at, each] of wanted.entries()) {
      const part = left / (wanted.length - at)
      if (each >= part) return part
      if (each >= own) return own
      left -= each
    }
    return own
  }

  function fail(one: Running): void {
    if (one.ended) return
    one.ended = true
    running.delete(one.assignment)
    wake(one)
    const consequence = scheduler.failed(one.assignment, 'failed', timeline.now)
    if (consequence === 'give-up') outcome = 'gave up'
    if (consequence === 'leave-out')
      for (const other of scheduler.removePeer(one.assignment.peer)) drop(other)
    timeline.in(2.01, () => {})
  }

  /** What was waiting for a slot of this peer begins. */
  function wake({ model: peer }: Running): void {
    const next = [...running.values()].find(
      (other) => other.model === peer && other.startsAt === Number.POSITIVE_INFINITY,
    )
    if (next === undefined) return
    next.startsAt = timeline.now
    next.at = timeline.now
  }

  function drop(assignment: Assignment<Piece>): void {
    const onItsWay = brought.get(assignment)
    if (onItsWay !== undefined) {
      arrive(onItsWay)
      wasted += assignment.task.frames
    }
    const one = running.get(assignment)
    if (one === undefined) return
    one.ended = true
    wasted += framesOf(one)
    running.delete(assignment)
    wake(one)
  }

  function tick(): void {
    for (const one of running.values()) {
      if (!present.has(one.model)) continue
      advance(one)
      scheduler.progress(one.assignment, framesOf(one), timeline.now)
    }
    timeline.in(REPORT_SECONDS, tick)
  }

  function framesOf({ assignment: { task }, doneCost, cost }: Running): number {
    return Math.min(task.frames, Math.floor((task.frames * doneCost) / Math.max(cost, 1e-9)))
  }
}

/** Cuts at a keyframe within half of the length where there is one, as the real plan does. */
function carverOf({ frames, keyframes = [], reading }: SwarmModel) {
  let known = reading === undefined ? frames : Math.floor(frames / 100)
  return {
    get totalFrames() {
      return known
    },
    get unseenFrames() {
      return known === frames ? 0 : Math.max(1, (reading?.expectedFrames ?? 0) - known)
    },
    read(now: number) {
      const part = now / (reading?.seconds ?? 1)
      known = part >= 1 ? frames : Math.floor(frames * part)
    },
    carve({ first, end }: Stretch, wanted: number): Piece {
      const ideal = first + Math.max(1, Math.round(wanted))
      if (ideal >= end) return { first, frames: end - first }
      const slack = Math.min(Math.floor(wanted / 2), Math.floor((end - ideal) / 3))
      const near = keyframes.find((place) => place > first && place < end && Math.abs(place - ideal) <= slack)
      return { first, frames: (near ?? ideal) - first }
    },
  }
}

function prefixCosts({ frames, cost = () => 1 }: SwarmModel): Float64Array {
  const sums = new Float64Array(frames + 1)
  for (let frame = 0; frame < frames; frame++) sums[frame + 1] = (sums[frame] ?? 0) + cost(frame)
  return sums
}

/** Seconds in which the peers that were there could have done all of it, had no slot ever waited. */
export function lowerBound(
  { frames, peers, uplink = Number.POSITIVE_INFINITY, cost = () => 1 }: SwarmModel,
  stepSeconds = 0.5,
): number {
  let left = 0
  for (let frame = 0; frame < frames; frame++) left += cost(frame)
  for (let now = 0; ; now += stepSeconds) {
    const rates = { here: 0, remote: 0 }
    for (const { joins, leaves, slots, speed, link = Number.POSITIVE_INFINITY, isRemote } of peers) {
      if (joins > now || now >= leaves) continue
      rates[isRemote === true ? 'remote' : 'here'] += Math.min(slots * speed(now), link)
    }
    const rate = rates.here + Math.min(rates.remote, uplink)
    if (rate * stepSeconds >= left && rate > 0) return now + left / rate
    left -= rate * stepSeconds
    if (now > GIVE_UP_SECONDS) return Number.POSITIVE_INFINITY
  }
}
