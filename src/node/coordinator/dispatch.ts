/**
 * Carries out what the scheduler decides: offers tasks to executors, brings and verifies their segments, and tells it what
 * became of them.
 */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { MediaError, segmentBytesMax, toSeconds } from '../../media/index.ts'
import { SLOTS_MAX } from '../capacity.ts'
import type { SwarmNode } from '../node.ts'
import { type Assignment, ATTEMPTS_MAX, type SchedulePolicy, Scheduler } from '../scheduler/index.ts'
import { type Attempt, decodedFrom, segmentEvent } from './attempt.ts'
import { classifyFailure, describeFailure, isDoubt, isDraining } from './attempt-failure.ts'
import { Audit, type AuditedSegment } from './audit.ts'
import type { Build } from './builds.ts'
import { Doubts, doubtOf } from './doubts.ts'
import type { JobEvent, SegmentChanged, SegmentProgress } from './events.ts'
import type { EncodedTask, Executor } from './executor.ts'
import { JobError } from './failure.ts'
import type { Job } from './job.ts'
import { startsWithLook } from './opening.ts'
import type { SegmentPlan, Task } from './plan.ts'
import { piecesInHand, restoreSegments } from './restore.ts'
import type { Space } from './space.ts'
import { StartsInDoubt } from './starts.ts'
import type { StoredJob } from './store/index.ts'
import { recipeOf } from './store/recipe.ts'
import { givenRecord, segmentRecord } from './store/to-records.ts'
import { type VerifiedSegment, verifySegment } from './verify-segment.ts'

export interface DispatchInit {
  node: SwarmNode
  job: Job
  plan: SegmentPlan
  policy: SchedulePolicy
  /** Undefined: the first segment decides. */
  build: Build | undefined
  /** Where segments lie, and what is told of those that are verified. */
  stored: StoredJob
  /** On the disk where they lie. */
  space: Space
  signal: AbortSignal
  /** Whether this executor may have work now; asked before each task. */
  mayWork(executor: Executor): boolean
  emit(event: JobEvent): void
}

export interface PeerWork {
  readonly peer: string
  readonly name: string
  frames: number
  readonly segments: SegmentProgress[]
}

/** A node that has given nothing yet has no more of the film in its hands. */
const SLOTS_UNPROVEN_MAX = 4
/** So long a piece waits for the peer that a process before this one gave it to. */
const IN_HAND_SECONDS = 15
/** Slots at rest wake up, slow ones are noticed, and a peer that was busy for someone else may be free. */
const LOOK_AGAIN_MS = 500

export class Dispatch {
  readonly #init: DispatchInit
  readonly #scheduler: Scheduler<Task>
  readonly #executors = new Map<string, Executor>()
  /** Frames a second of the slots of peers that had a part in the job and were out of reach. */
  readonly #lastRates = new Map<string, number>()
  /** How many slots each says it has. */
  readonly #claimed = new Map<string, number>()
  /** Those of whom a segment was right. */
  readonly #proven = new Set<string>()
  /** Peers that are out of reach. */
  readonly #away = new Set<string>()
  /** Those that are under way, and when each has ended. */
  readonly #attempts = new Map<Assignment<Task>, Attempt & { ended: Promise<void> }>()
  readonly #verified = new Map<Task, VerifiedSegment>()
  readonly #recipe: string
  readonly #stopped = new AbortController()
  readonly #finished = Promise.withResolvers<void>()
  /** Whose parameter sets all segments of the job share. */
  #build: Build | undefined
  #isRunning = false
  /** A segment that nobody could encode: the job ends with it when the others are there. */
  #failed: JobError | undefined
  readonly #doubts = new Doubts<Task>()
  readonly #audit: Audit

  constructor(init: DispatchInit) {
    this.#init = init
    this.#scheduler = new Scheduler(init.plan, init.policy)
    this.#build = init.build
    this.#recipe = recipeOf(init.job, init.stored.source)
    const { node, job, plan } = init
    this.#audit = new Audit({
      ...{ tools: node.tools, job, plan, directory: init.stored.directory },
      now: () => this.#seconds(),
      random: node.surroundings.random,
    })
    this.#finished.promise.catch(() => {})
  }

  /** Frames encoded so far, running attempts included. */
  get framesDone(): number {
    return this.#scheduler.framesDone
  }

  /** Until the last segment is here, once all are given out. */
  get secondsToEnd(): number | undefined {
    return this.#scheduler.secondsToEnd(this.#seconds())
  }

  /** What each peer has made and has in hand; bytes are counted elsewhere. */
  get peers(): readonly PeerWork[] {
    const works = new Map<string, PeerWork>()
    const workOf = ({ peer, name }: Pick<Executor, 'peer' | 'name'>): PeerWork => {
      const known = works.get(peer) ?? { peer, name, frames: 0, segments: [] }
      works.set(peer, known)
      return known
    }
    for (const executor of this.#executors.values()) {
      if (this.#scheduler.employs(executor.peer)) workOf(executor)
    }
    for (const { executor, task } of this.#verified.values()) workOf(executor).frames += task.frames
    for (const { assignment, frames } of this.#scheduler.underWay) {
      const executor = this.#executors.get(assignment.peer)
      if (executor === undefined) continue
      const work = workOf(executor)
      work.frames += frames
      work.segments.push({ index: assignment.task.index, frames, total: assignment.task.frames })
    }
    return [...works.values()]
  }

  /** Nothing runs and nobody is there who could. A peer that is busy for someone else is there. */
  get isDeserted(): boolean {
    return this.#attempts.size === 0 && !this.#hasWorkers()
  }

  /** Those that are there when it runs are given work together. @param rate as of {@link Scheduler.addPeer} */
  add(executor: Executor, slots: number, rate?: number): void {
    const { peer } = executor
    this.#executors.set(peer, executor)
    this.#away.delete(peer)
    if (executor.isLocal) this.#proven.add(peer)
    this.#claimed.set(peer, slots)
    if (this.#scheduler.employs(peer)) this.#scheduler.setSlots(peer, this.#slotsOf(peer))
    else this.#scheduler.addPeer(peer, this.#slotsOf(peer), this.#lastRates.get(peer) ?? rate)
    this.assign()
  }

  /** Whoever says that it has many gets them all once something of its was right. */
  #slotsOf(peer: string): number {
    const most = this.#proven.has(peer) ? SLOTS_MAX : SLOTS_UNPROVEN_MAX
    return Math.min(this.#claimed.get(peer) ?? 1, most)
  }

  /** An executor for what the others fail at. */
  addRescuer(executor: Executor): void {
    if (!this.#executors.has(executor.peer)) this.#executors.set(executor.peer, executor)
    this.#scheduler.addRescuer(executor.peer)
  }

  /** The peer is out of reach: it gets nothing, and what it is at may still come when it is back. */
  lose(peer: string): void {
    this.#away.add(peer)
    this.#forget(peer)
    this.assign()
  }

  /** One that is out of reach and that nothing is expected of any more has no part in the job until it is back. */
  #forget(peer: string): void {
    const isAtSomething = [...this.#attempts.keys()].some((assignment) => assignment.peer === peer)
    if (!this.#away.has(peer) || isAtSomething) return
    const rate = this.#scheduler.rates.get(peer)
    if (rate !== undefined) this.#lastRates.set(peer, rate)
    this.remove(peer)
  }

  /** All that ever had slots in this job. */
  get executors(): readonly Executor[] {
    return [...this.#executors.values()]
  }

  /** Frames a second of the peers' slots. */
  get rates(): ReadonlyMap<string, number> {
    return this.#scheduler.rates
  }

  /** More of the film is known. */
  grow(): void {
    this.#scheduler.grow()
    this.assign()
  }

  /** Whether a peer has slots in this job: it came, and was not left out since. */
  employs(peer: string): boolean {
    return this.#scheduler.employs(peer)
  }

  /** The peer is gone: what it was doing is someone else's now. */
  remove(peer: string, reason: unknown = new Error('the peer has left')): void {
    for (const assignment of this.#scheduler.removePeer(peer))
      this.#attempts.get(assignment)?.over.abort(reason)
    this.assign()
  }

  /** Takes what is there from before, before anything else. @returns those that count again */
  async restore(plan: SegmentPlan, options: { signal: AbortSignal }): Promise<readonly VerifiedSegment[]> {
    const { node, job, stored } = this.#init
    const wantedBuild = (made: Build) => this.#settleBuild(made, false)
    const atOnce = node.machine.cores
    const segments = await restoreSegments(node, job, plan, stored, wantedBuild, { ...options, atOnce })
    const inHand = piecesInHand(job, plan, stored, segments)
    this.#scheduler.restore(
      segments.map(({ task }) => task),
      inHand,
      this.#seconds() + IN_HAND_SECONDS,
    )
    for (const segment of segments) this.#verified.set(segment.task, segment)
    return segments
  }

  /** Ends the job: `run` rejects with this. */
  fail(error: unknown): void {
    this.#finished.reject(error)
  }

  /** Resolves with all segments in the film's order. @throws JobError SEGMENT_FAILED; the signal's reason */
  async run(): Promise<readonly VerifiedSegment[]> {
    const { signal } = this.#init
    const onAbort = () => this.fail(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const timer = setInterval(() => {
      this.assign()
      this.#watchSpace()
    }, LOOK_AGAIN_MS)
    try {
      if (signal.aborted) onAbort()
      this.#isRunning = true
      this.assign()
      await this.#finished.promise
    } finally {
      clearInterval(timer)
      signal.removeEventListener('abort', onAbort)
      this.#stopped.abort(new Error('the job has ended'))
      await Promise.allSettled([...this.#attempts.values()].map(({ ended }) => ended))
    }
    return this.#scheduler.done.flatMap((task) => this.#verified.get(task) ?? [])
  }

  /** Gives each idle slot its next task. */
  assign(): void {
    if (!this.#isRunning || this.#init.space.isFull || this.#stopped.signal.aborted) return
    const mayWork = (peer: string) => this.#mayWork(this.#executors.get(peer))
    for (const assignment of this.#scheduler.assign(this.#seconds(), mayWork)) this.#begin(assignment)
    if (!this.#scheduler.isDone) return
    if (this.#failed === undefined) this.#finished.resolve()
    else this.fail(this.#failed)
  }

  #seconds(): number {
    return this.#init.node.surroundings.now() / 1000
  }

  #hasWorkers(): boolean {
    return [...this.#executors.values()].some(
      (executor) => this.#scheduler.employs(executor.peer) && this.#mayWork(executor),
    )
  }

  #mayWork(executor: Executor | undefined): boolean {
    return executor !== undefined && !this.#away.has(executor.peer) && this.#init.mayWork(executor)
  }

  #begin(assignment: Assignment<Task>): void {
    const executor = this.#executors.get(assignment.peer)
    if (executor === undefined) return
    const { job, stored } = this.#init
    // A try that is being ended may still have its file, and so may one of a process before this one.
    const name = `segment-${assignment.task.index}-${randomBytes(4).toString('hex')}`
    const path = join(stored.directory, `${name}.${job.container}`)
    const attempt = { assignment, executor, path, over: new AbortController() }
    const ended = this.#run(attempt).catch((error: unknown) => this.fail(error))
    this.#attempts.set(assignment, { ...attempt, ended })
  }

  async #run(attempt: Attempt): Promise<void> {
    const { assignment, executor, path, over } = attempt
    const { task } = assignment
    const { node, job, stored, space } = this.#init
    const signal = AbortSignal.any([this.#stopped.signal, over.signal])
    let began = this.#seconds()
    let seconds = 0
    try {
      this.#tell(attempt, 'assigned')
      if (!executor.isLocal) await stored.addGiven(givenRecord(attempt, this.#recipe))
      const encoded = await executor.encode(task, {
        attempt: assignment.number,
        path,
        bytesMax: segmentBytesMax(job.picture, task.frames),
        signal,
        onEncoding: () => {
          began = this.#seconds()
          this.#tell(attempt, 'encoding')
        },
        onProgress: (frames) => this.#scheduler.progress(assignment, frames, this.#seconds()),
        onSlots: (slots) => {
          this.#claimed.set(executor.peer, slots)
          if (this.#scheduler.setSlots(executor.peer, this.#slotsOf(executor.peer))) this.assign()
        },
        onEncoded: (encodeSeconds) => {
          seconds = this.#seconds() - began
          this.#tell(attempt, 'encoded', { encodeSeconds })
          this.#scheduler.encoded(assignment, encodeSeconds, this.#seconds())
          this.assign()
        },
        onBrought: (part) => this.#scheduler.brought(assignment, part, this.#seconds()),
        onDiskFull: () => space.wait(),
      })
      const wantedBuild = (made: Build) => this.#settleBuild(made, executor.isLocal)
      const inspected = await verifySegment(node.tools.ffprobe, job, { task, path, encoded }, wantedBuild, {
        signal,
      })
      if (!(await startsWithLook(node.tools, job, task, { signal }))) throw new StartsInDoubt()
      const liars = await this.#look({ ...executor, task, path, inspected, seconds }, encoded, { signal })
      // Before it counts it is on the disk, and told of there.
      await stored.addSegment(segmentRecord(attempt, encoded, this.#recipe))
      if (liars.length > 0) {
        // With this one the job might be done, and what is false of it must not be joined.
        await this.#convict(liars)
        await encoded.accept().catch(() => {})
        return
      }
      const needless = this.#scheduler.verified(assignment, this.#seconds())
      if (!this.#proven.has(executor.peer)) {
        this.#proven.add(executor.peer)
        this.#scheduler.setSlots(executor.peer, this.#slotsOf(executor.peer))
      }
      if (needless === undefined) {
        await rm(path, { force: true })
        this.#tell(attempt, 'needless')
      } else {
        const event = this.#tell(attempt, 'verified', {
          bytes: encoded.sizeBytes,
          encodeSeconds: encoded.encodeSeconds,
          decodedFrom: decodedFrom(task, encoded.seekIndex),
        })
        this.#verified.set(task, { task, path, executor, encoded, inspected, event })
        for (const other of needless) this.#attempts.get(other)?.over.abort(new Needless())
      }
      await encoded.accept().catch(() => {})
    } catch (error) {
      await rm(path, { force: true })
      if (over.signal.reason instanceof Needless) this.#tell(attempt, 'needless')
      else if (!this.#stopped.signal.aborted) this.#onFailure(attempt, error)
    } finally {
      this.#attempts.delete(assignment)
      this.#forget(assignment.peer)
      this.assign()
    }
  }

  /** @returns who sent other pictures before @throws as of {@link Audit.look} */
  async #look(
    segment: AuditedSegment,
    encoded: EncodedTask,
    options: { signal: AbortSignal },
  ): Promise<readonly string[]> {
    try {
      return await this.#audit.look(segment, options)
    } catch (error) {
      if (error instanceof MediaError) await encoded.refuse('PICTURES').catch(() => {})
      throw error
    }
  }

  /** What they have made before may be as false: all of it is gone, and the job begins anew with the rest. */
  async #convict(liars: readonly string[]): Promise<void> {
    this.fail(new FalsePictures(liars))
    const theirs = [...this.#verified.values()].filter(({ executor }) => liars.includes(executor.peer))
    for (const { path } of theirs) await rm(path, { force: true })
    for (const peer of liars) {
      const name = this.#executors.get(peer)?.name ?? peer
      const detail = 'it sent pictures that are not the source’s'
      this.#init.emit({ event: 'peer', peer, name, state: 'excluded', slots: 0, detail })
    }
  }

  /** The first segment decides where nothing has; what this node itself makes of the film counts more than its first frame. */
  #settleBuild(made: Build, isLocal: boolean): Build {
    const isFirst = this.#verified.size === 0
    this.#build = isLocal && isFirst ? made : (this.#build ?? made)
    return this.#build
  }

  #onFailure(attempt: Attempt, error: unknown): void {
    const { assignment, executor, over } = attempt
    const { job } = this.#init
    const told = describeFailure(error)
    this.#tell(attempt, 'failed', told)
    const kind = classifyFailure(error, {
      isLocal: executor.isLocal,
      isGone: over.signal.aborted,
      evidence: job.index.evidence,
      isToldAlike: job.alike !== '',
      isSeekable: job.index.seekable,
    })
    if (kind === 'disk-full') {
      this.#scheduler.failed(assignment, 'lost', this.#seconds())
      this.#pause()
      return
    }
    if (isDoubt(kind) && this.#isConfirmed(assignment, executor.isLocal)) {
      this.fail(doubtOf(kind, error))
      return
    }
    const consequence = this.#scheduler.failed(assignment, isDoubt(kind) ? 'failed' : kind, this.#seconds())
    const { peer, name } = executor
    if (isDraining(error) && this.#scheduler.retirePeer(peer)) {
      this.#init.emit({ event: 'peer', peer, name, state: 'draining', slots: 0 })
    }
    if (consequence === 'give-up') this.#giveUp(assignment.task, ATTEMPTS_MAX, error)
    if (consequence === 'rest') {
      this.#init.emit({ event: 'peer', peer, name, state: 'resting', slots: 0, detail: told.detail })
    }
    if (consequence !== 'leave-out' || executor.isLocal) return
    // What it is doing meanwhile is of that build too.
    this.#leaveOut(executor, kind === 'other-build' ? 'unusable' : 'excluded', told.detail, error)
    if (kind !== 'other-build' && !this.#hasWorkers()) this.#giveUp(assignment.task, assignment.number, error)
  }

  /** Nothing is begun while this machine's disk is full; what others are at may still fit. */
  #pause(bytes?: number): void {
    this.#init.space.wait(bytes).then(
      () => this.assign(),
      (reason: unknown) => this.fail(reason),
    )
  }

  /** So that what is under way will fit. */
  #watchSpace(): void {
    const underWay = [...this.#attempts.keys()].map(({ task }) => task.frames)
    const stored = { bytes: 0, frames: 0 }
    for (const { task, encoded } of this.#verified.values()) {
      stored.bytes += encoded.sizeBytes
      stored.frames += task.frames
    }
    this.#init.space.look(stored, underWay).then(
      (missing) => missing > 0 && this.#pause(missing),
      (reason: unknown) => this.fail(reason),
    )
  }

  #isConfirmed({ task, peer }: Assignment<Task>, isLocal: boolean): boolean {
    return this.#doubts.raise(task, { peer, isLocal, isOnly: this.#scheduler.peers.size === 1 })
  }

  #giveUp(task: Task, attempts: number, error: unknown): void {
    const startSeconds = toSeconds(task.firstPts, this.#init.job.film.timing.source)
    const { detail } = describeFailure(error)
    const failure = { code: 'SEGMENT_FAILED', index: task.index, startSeconds, attempts, detail } as const
    this.#failed ??= new JobError(failure, { cause: error })
    // What cannot be encoded anywhere in the film is no matter of this segment.
    if (this.#verified.size === 0) this.fail(this.#failed)
  }

  #leaveOut({ peer, name }: Executor, state: 'unusable' | 'excluded', detail: string, reason: unknown): void {
    // Another of its slots may have come to the same end.
    if (!this.employs(peer)) return
    this.remove(peer, reason)
    this.#init.emit({ event: 'peer', peer, name, state, slots: 0, detail })
  }

  #tell(
    attempt: Attempt,
    state: SegmentChanged['state'],
    more: Partial<SegmentChanged> = {},
  ): SegmentChanged {
    const event = segmentEvent(this.#init.job, attempt, state, more)
    this.#init.emit(event)
    return event
  }
}

/** Peers sent pictures of another film: the job begins anew without them. */
export class FalsePictures extends Error {
  override readonly name = 'FalsePictures'
  readonly peers: readonly string[]

  constructor(peers: readonly string[]) {
    super(`pictures of ${peers.join(', ')} are not the source's`)
    this.peers = peers
  }
}

/** Others were sooner. */
class Needless extends Error {
  override readonly name = 'Needless'
}
