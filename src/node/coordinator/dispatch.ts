/**
 * Hands the film's segments to slots until each is encoded and verified. A failed attempt goes to another slot; a peer
 * that keeps failing is left out; one that comes later is put to work.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type InspectedSegment, toSeconds } from '../../media/index.ts'
import type { SwarmNode } from '../node.ts'
import { framesForSlot, type SchedulePolicy, updateRate } from '../scheduler.ts'
import { type Attempt, newSlot, type Slot, segmentEvent, viewOf } from './attempt.ts'
import { classifyFailure, describeFailure, IndexInDoubt } from './attempt-failure.ts'
import { Backlog, type PendingTask } from './backlog.ts'
import type { Build } from './builds.ts'
import type { JobEvent, SegmentChanged } from './events.ts'
import type { EncodedTask, Executor } from './executor.ts'
import { JobError } from './failure.ts'
import type { Job } from './job.ts'
import type { SegmentPlan } from './plan.ts'
import { type VerifiedSegment, verifySegment } from './verify-segment.ts'

export interface DispatchInit {
  node: SwarmNode
  job: Job
  plan: SegmentPlan
  policy: SchedulePolicy
  /** Undefined: the first segment decides. */
  build: Build | undefined
  directory: string
  signal: AbortSignal
  /** Whether this executor may have work now; asked before each task. */
  mayWork(executor: Executor): boolean
  emit(event: JobEvent): void
}

// A segment that fails on this many tries fails for a reason of its own.
const ATTEMPTS_MAX = 4
// A peer that fails this often in a row is broken, not unlucky.
const PEER_FAILURES_MAX = 3
const REST_MS = 2_000

export class Dispatch {
  readonly #init: DispatchInit
  readonly #backlog: Backlog
  readonly #slots = new Set<Slot>()
  /** Those that are under way, and when each has ended. */
  readonly #attempts = new Map<Attempt, Promise<void>>()
  readonly #verified: VerifiedSegment[] = []
  readonly #stopped = new AbortController()
  readonly #finished = Promise.withResolvers<void>()
  /** Whose parameter sets all segments of the job share. */
  #build: Build | undefined

  constructor(init: DispatchInit) {
    this.#init = init
    this.#backlog = new Backlog(init.plan)
    this.#build = init.build
    this.#finished.promise.catch(() => {})
  }

  /** Frames encoded so far, running attempts included. */
  get framesDone(): number {
    const verified = this.#verified.reduce((sum, { task }) => sum + task.frames, 0)
    const running = [...this.#attempts.keys()].reduce((sum, { framesDone }) => sum + framesDone, 0)
    return Math.min(this.#init.plan.totalFrames, verified + running)
  }

  /** Nothing runs and nobody is there who could. A peer that is busy for someone else is there. */
  get isDeserted(): boolean {
    return this.#attempts.size === 0 && this.#usableSlots().length === 0
  }

  add(executor: Executor, slots: number): void {
    for (let count = 0; count < slots; count++) this.#slots.add(newSlot(executor))
    this.assign()
  }

  /** Whether a peer has slots in this job: it came, and was not left out since. */
  employs(peer: string): boolean {
    return [...this.#slots].some(({ executor }) => executor.peer === peer)
  }

  /** The peer is gone: what it was doing is someone else's now. */
  remove(peer: string, reason: unknown = new Error('the peer has left')): void {
    for (const slot of this.#slots) {
      if (slot.executor.peer !== peer) continue
      this.#slots.delete(slot)
      slot.gone.abort(reason)
    }
    this.assign()
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
    // Slots at rest wake up, and a peer that was busy for someone else may be free.
    const timer = setInterval(() => this.assign(), REST_MS / 2)
    try {
      if (signal.aborted) onAbort()
      this.assign()
      await this.#finished.promise
    } finally {
      clearInterval(timer)
      signal.removeEventListener('abort', onAbort)
      this.#stopped.abort(new Error('the job has ended'))
      await Promise.allSettled(this.#attempts.values())
    }
    return this.#verified.sort((a, b) => a.task.index - b.task.index)
  }

  /** Gives each idle slot its next task. */
  assign(): void {
    if (this.#stopped.signal.aborted) return
    const now = this.#init.node.surroundings.now()
    for (const slot of this.#slots) {
      if (slot.attempt !== undefined || slot.restUntil > now || !this.#init.mayWork(slot.executor)) continue
      const pending = this.#nextFor(slot, now)
      if (pending !== undefined) this.#begin(slot, pending)
    }
    if (this.#attempts.size === 0 && this.#backlog.isEmpty) this.#finished.resolve()
  }

  #nextFor(slot: Slot, now: number): PendingTask | undefined {
    const usable = this.#usableSlots()
    const peers = usable.map(({ executor }) => executor.peer)
    const returned = this.#backlog.takeReturned(slot.executor.peer, peers)
    if (returned !== undefined) return returned
    const others = usable
      .filter((other) => other !== slot && (other.attempt !== undefined || other.restUntil <= now))
      .map(viewOf)
    const frames = framesForSlot(viewOf(slot), others, this.#backlog.uncarvedFrames, this.#init.policy)
    return frames === 0 ? undefined : this.#backlog.carve(frames)
  }

  #usableSlots(): Slot[] {
    return [...this.#slots].filter(({ executor }) => this.#init.mayWork(executor))
  }

  #begin(slot: Slot, pending: PendingTask): void {
    const { job, directory } = this.#init
    const number = pending.attempts + 1
    const path = join(directory, `segment-${pending.task.index}-${number}.${job.container}`)
    const attempt: Attempt = { slot, pending, number, path, framesDone: 0 }
    slot.attempt = attempt
    const ended = this.#run(attempt).catch((error: unknown) => this.fail(error))
    this.#attempts.set(attempt, ended)
  }

  async #run(attempt: Attempt): Promise<void> {
    const { slot, number, path } = attempt
    const { task } = attempt.pending
    const { node, job } = this.#init
    const isLocal = slot.executor.isLocal
    const signal = AbortSignal.any([this.#stopped.signal, slot.gone.signal])
    try {
      this.#tell(attempt, 'assigned')
      const encoded = await slot.executor.encode(task, {
        attempt: number,
        path,
        signal,
        onEncoding: () => this.#tell(attempt, 'encoding'),
        onProgress: (frames) => {
          if (slot.attempt === attempt) attempt.framesDone = frames
        },
        onEncoded: (seconds) => {
          slot.rate = updateRate(slot.rate, task.frames, seconds)
          slot.attempt = undefined
          attempt.framesDone = task.frames
          this.assign()
        },
      })
      const wantedBuild = (made: Build) => this.#settleBuild(made, isLocal)
      const segment = { task, path, encoded }
      const inspected = await verifySegment(node.tools.ffprobe, job, segment, wantedBuild, { signal })
      await this.#accept(attempt, encoded, inspected)
    } catch (error) {
      await rm(path, { force: true })
      if (!this.#stopped.signal.aborted) this.#onFailure(attempt, error)
    } finally {
      if (slot.attempt === attempt) slot.attempt = undefined
      this.#attempts.delete(attempt)
      this.assign()
    }
  }

  /** From here on the segment counts. */
  async #accept(attempt: Attempt, encoded: EncodedTask, inspected: InspectedSegment): Promise<void> {
    const { slot, path } = attempt
    const { task } = attempt.pending
    const decodedFrom = task.seekPts[encoded.seekIndex]
    const event = this.#tell(attempt, 'verified', {
      bytes: encoded.sizeBytes,
      encodeSeconds: encoded.encodeSeconds,
      decodedFrom: decodedFrom === undefined ? null : Number(decodedFrom),
    })
    this.#verified.push({ task, path, executor: slot.executor, encoded, inspected, event })
    // They are counted as verified now.
    attempt.framesDone = 0
    slot.failures = 0
    await encoded.accept().catch(() => {})
  }

  /** The first segment decides where nothing has; what this node itself makes of the film counts more than its first frame. */
  #settleBuild(made: Build, isLocal: boolean): Build {
    const isFirst = this.#verified.length === 0
    this.#build = isLocal && isFirst ? made : (this.#build ?? made)
    return this.#build
  }

  #onFailure(attempt: Attempt, error: unknown): void {
    const { slot, pending } = attempt
    const { executor } = slot
    const { job, directory, node } = this.#init
    const told = describeFailure(error)
    this.#tell(attempt, 'failed', told)
    const failure = classifyFailure(error, {
      isLocal: executor.isLocal,
      isGone: slot.gone.signal.aborted,
      evidence: job.index.evidence,
    })
    if (failure === 'disk-full') {
      this.fail(new JobError({ code: 'WORK_DISK_FULL', directory }, { cause: error }))
      return
    }
    if (failure === 'index-in-doubt') {
      this.fail(new IndexInDoubt())
      return
    }
    if (failure === 'other-build') {
      this.#backlog.giveBack(pending)
      // What it is doing meanwhile is of that build too.
      this.#leaveOut(executor, 'unusable', told.detail, error)
      return
    }
    const failed = failure === 'failed' ? countFailure(pending, executor.peer) : pending
    if (failed.attempts >= ATTEMPTS_MAX) {
      this.#giveUp(failed, error)
      return
    }
    this.#backlog.giveBack(failed)
    slot.restUntil = node.surroundings.now() + REST_MS
    if (failure === 'refused' || executor.isLocal) return
    slot.failures++
    if (slot.failures < PEER_FAILURES_MAX) return
    this.#leaveOut(executor, 'excluded', told.detail)
    if (this.#usableSlots().length === 0) this.#giveUp(failed, error)
  }

  #giveUp({ task, attempts }: PendingTask, error: unknown): void {
    const startSeconds = toSeconds(task.firstPts, this.#init.job.film.timing.source)
    const { detail } = describeFailure(error)
    this.fail(
      new JobError(
        { code: 'SEGMENT_FAILED', index: task.index, startSeconds, attempts, detail },
        { cause: error },
      ),
    )
  }

  #leaveOut(
    { peer, name }: Executor,
    state: 'unusable' | 'excluded',
    detail: string,
    reason?: unknown,
  ): void {
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

function countFailure({ task, attempts, failed }: PendingTask, peer: string): PendingTask {
  return { task, attempts: attempts + 1, failed: new Set([...failed, peer]) }
}
