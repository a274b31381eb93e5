/** When what of a job was done, and by whom: gathered from its events. The clock is passed in. */
import { type Efficiency, efficiencyOf } from './efficiency.ts'
import type { JobDone, JobEvent, JobProgress, JobResumed, JobStarted, SegmentChanged } from './events.ts'

/** One slot's try at a segment. Seconds from the job's start; what it did not come to is null. */
export interface TimelineAttempt {
  readonly index: number
  /** From 1. */
  readonly attempt: number
  /** PeerId. */
  readonly peer: string
  /** Its first frame's place in the film. */
  readonly first: number
  readonly frames: number
  readonly assigned: number
  readonly encoding: number | null
  /** From here on its bytes come, and are looked at. */
  readonly encoded: number | null
  readonly ended: number | null
  /** `needless`: others were sooner, or the job began anew. */
  readonly outcome: 'verified' | 'failed' | 'needless' | null
  readonly code: string | null
}

export interface TimelinePeer {
  /** PeerId. */
  readonly peer: string
  readonly name: string
  /** The most that it encoded at once. */
  readonly slots: number
  /** Of its segments in the film. */
  readonly frames: number
  /** Of all its slots together, while they encode; null where none has come to an end. */
  readonly framesPerSecond: number | null
  readonly bytesSent: number
  readonly bytesReceived: number
}

/** See {@link Timeline}. */
export interface Work {
  readonly wallSeconds: number
  readonly bytesSent: number
  readonly bytesReceived: number
  /** In order. */
  readonly phases: readonly { readonly phase: string; readonly began: number; readonly ended: number }[]
  /** In the order in which they were assigned. */
  readonly attempts: readonly TimelineAttempt[]
  readonly peers: readonly TimelinePeer[]
  /** Null where nothing was encoded. */
  readonly efficiency: Efficiency | null
  /** Of the film, from a process before this one. */
  readonly framesBefore: number
}

/** A job of days whose peers come and go has no more of them that anybody would look at. */
const ATTEMPTS_MAX = 20_000

export class Timeline {
  readonly #now: () => number
  readonly #began: number
  readonly #phases: { phase: string; began: number }[] = []
  /** By segment, attempt and peer. */
  readonly #running = new Map<string, Writable<TimelineAttempt>>()
  readonly #attempts: Writable<TimelineAttempt>[] = []
  readonly #names = new Map<string, string>()
  #job: JobStarted | undefined
  #progress: JobProgress | undefined
  #done: JobDone | undefined
  #framesBefore = 0

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now
    this.#began = now()
  }

  take(event: JobEvent): void {
    switch (event.event) {
      case 'job':
        // Once more without an estimate in between: it begins anew, and what is of use of the time before is told.
        if (this.#job !== undefined && this.#job.isEstimate !== true) this.#beginAnew()
        this.#job = event
        return
      case 'resumed':
        this.#takeUp(event)
        return
      case 'phase':
        this.#phases.push({ phase: event.phase, began: this.#seconds() })
        return
      case 'peer':
        this.#names.set(event.peer, event.name)
        return
      case 'segment':
        this.#takeSegment(event)
        return
      case 'progress':
        this.#progress = event
        for (const { peer, name } of event.peers) this.#names.set(peer, name)
        return
      case 'done':
        this.#done = event
        for (const { peer, name } of event.peers) this.#names.set(peer, name)
        return
      default:
        return
    }
  }

  get framesBefore(): number {
    return this.#framesBefore
  }

  /** All that was told until now. */
  work(): Work {
    const wallSeconds = this.#done?.wallSeconds ?? this.#seconds()
    const { bytesSent = 0, bytesReceived = 0 } = this.#done ?? this.#progress ?? {}
    const peers = this.#peers()
    const frames = peers.reduce((sum, peer) => sum + peer.frames, 0)
    return {
      ...{ wallSeconds, bytesSent, bytesReceived },
      phases: this.#phases.map(({ phase, began }, at) => ({
        ...{ phase, began },
        ended: this.#phases[at + 1]?.began ?? Math.max(began, wallSeconds),
      })),
      ...{ attempts: this.#attempts, peers, framesBefore: this.#framesBefore },
      efficiency: efficiencyOf(peers, { frames, seconds: wallSeconds }) ?? null,
    }
  }

  #seconds(): number {
    return Math.round(this.#now() - this.#began) / 1000
  }

  #takeSegment({ index, attempt, peer, first, frames, state, code }: SegmentChanged): void {
    const key = `${index} ${attempt} ${peer}`
    const now = this.#seconds()
    if (state === 'assigned') {
      if (this.#attempts.length === ATTEMPTS_MAX) return
      const begun = {
        ...{ index, attempt, peer, first, frames, assigned: now },
        ...{ encoding: null, encoded: null, ended: null, outcome: null, code: null },
      }
      this.#running.set(key, begun)
      this.#attempts.push(begun)
      return
    }
    const known = this.#running.get(key)
    if (known === undefined) return
    if (state === 'encoding' || state === 'encoded') {
      known[state] ??= now
      return
    }
    this.#running.delete(key)
    Object.assign(known, { ended: now, outcome: state, code: code ?? null })
  }

  #beginAnew(): void {
    const now = this.#seconds()
    for (const attempt of this.#running.values()) Object.assign(attempt, { ended: now, outcome: 'needless' })
    this.#running.clear()
    for (const attempt of this.#attempts) if (attempt.outcome === 'verified') attempt.outcome = 'needless'
    this.#framesBefore = 0
  }

  #takeUp({ stretches }: JobResumed): void {
    const own = new Map(this.#attempts.map((attempt) => [`${attempt.first} ${attempt.frames}`, attempt]))
    for (const [first, end] of stretches) {
      const made = own.get(`${first} ${end - first}`)
      if (made?.encoded == null) this.#framesBefore += end - first
      else made.outcome = 'verified'
    }
  }

  #peers(): TimelinePeer[] {
    const byPeer = new Map<string, TimelineAttempt[]>()
    for (const peer of this.#names.keys()) byPeer.set(peer, [])
    for (const attempt of this.#attempts) {
      const own = byPeer.get(attempt.peer)
      if (own === undefined) byPeer.set(attempt.peer, [attempt])
      else own.push(attempt)
    }
    return [...byPeer].map(([peer, attempts]) => {
      const slots = mostAtOnce(attempts)
      const { bytesSent = 0, bytesReceived = 0 } =
        this.#progress?.peers.find((known) => known.peer === peer) ?? {}
      return {
        ...{ peer, name: this.#names.get(peer) ?? peer.slice(-8), slots },
        frames: attempts.reduce((sum, { outcome, frames }) => sum + (outcome === 'verified' ? frames : 0), 0),
        framesPerSecond: rateOf(attempts, slots),
        ...{ bytesSent, bytesReceived },
      }
    })
  }
}

/** Frames a second of one slot, times the slots. */
function rateOf(attempts: readonly TimelineAttempt[], slots: number): number | null {
  let [frames, seconds] = [0, 0]
  for (const { encoding, encoded, ...attempt } of attempts) {
    if (encoding === null || encoded === null) continue
    frames += attempt.frames
    seconds += encoded - encoding
  }
  return seconds > 0 ? (slots * frames) / seconds : null
}

/** A node begins with the next segment when one is encoded; that it is, is heard here a moment later. */
const HEARD_LATER_SECONDS = 2

function mostAtOnce(attempts: readonly TimelineAttempt[]): number {
  const changes = attempts.flatMap(({ encoding, encoded, ended }) => {
    const end = encoded ?? ended
    if (encoding === null || end === null) return []
    const slack = Math.min(HEARD_LATER_SECONDS, (end - encoding) / 2)
    return [
      { at: encoding + slack, by: 1 },
      { at: end, by: -1 },
    ]
  })
  // Where one ends as the next begins, they are not at once.
  changes.sort((a, b) => a.at - b.at || a.by - b.by)
  let [now, most] = [0, 0]
  for (const { by } of changes) {
    now += by
    most = Math.max(most, now)
  }
  return most
}

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] }
