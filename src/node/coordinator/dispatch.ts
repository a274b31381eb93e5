/**
 * Hands the film's segments to slots until each is encoded and verified. A failed attempt goes to another slot; a peer
 * that keeps failing is left out; one that comes later is put to work.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  formatTimeBase,
  type InspectedSegment,
  inspectSegment,
  MediaError,
  toSeconds,
} from '../../media/index.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import type { SwarmNode } from '../node.ts'
import { framesForSlot, type SchedulePolicy, updateRate } from '../scheduler.ts'
import { type Build, whyUnfit } from './builds.ts'
import type { JobEvent, SegmentChanged } from './events.ts'
import type { EncodedTask, Executor } from './executor.ts'
import { JobError } from './failure.ts'
import type { Job } from './job.ts'
import type { SegmentPlan, Task } from './plan.ts'

export interface VerifiedSegment {
  readonly task: Task
  readonly path: string
  readonly executor: Executor
  readonly encoded: EncodedTask
  /** What this node has read of the file. */
  readonly inspected: InspectedSegment
  readonly event: SegmentChanged
}

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

interface Slot {
  readonly executor: Executor
  readonly gone: AbortController
  rate: number | undefined
  task: Task | undefined
  framesDone: number
  failures: number
  /** Not before this time: a peer that refused or failed is given a rest. */
  restUntil: number
}

interface Returned {
  readonly task: Task
  readonly attempts: number
  /** Peers that could not do it. */
  readonly failed: ReadonlySet<string>
}

// A segment that fails on this many tries fails for a reason of its own.
const ATTEMPTS_MAX = 4
// A peer that fails this often in a row is broken, not unlucky.
const PEER_FAILURES_MAX = 3
const REST_MS = 2_000

export class Dispatch {
  readonly #init: DispatchInit
  readonly #slots = new Set<Slot>()
  readonly #returned: Returned[] = []
  readonly #verified: VerifiedSegment[] = []
  readonly #running = new Set<Promise<void>>()
  readonly #stopped = new AbortController()
  readonly #finished = Promise.withResolvers<void>()
  /** Whose parameter sets all segments of the job share. */
  #build: Build | undefined
  #open = 0

  constructor(init: DispatchInit) {
    this.#init = init
    this.#build = init.build
    this.#finished.promise.catch(() => {})
  }

  /** Frames encoded so far, running tasks included. */
  get framesDone(): number {
    const verified = this.#verified.reduce((sum, { task }) => sum + task.frames, 0)
    const running = [...this.#slots].reduce(
      (sum, slot) => sum + (slot.task === undefined ? 0 : slot.framesDone),
      0,
    )
    return Math.min(this.#init.plan.totalFrames, verified + this.#collectingFrames + running)
  }

  #collectingFrames = 0

  /** Nothing runs and nobody is there who could. A peer that is busy for someone else is there. */
  get isDeserted(): boolean {
    return this.#open === 0 && !this.#hasSlots()
  }

  add(executor: Executor, slots: number): void {
    for (let count = 0; count < slots; count++) {
      this.#slots.add({
        executor,
        gone: new AbortController(),
        rate: undefined,
        task: undefined,
        framesDone: 0,
        failures: 0,
        restUntil: 0,
      })
    }
    this.assign()
  }

  /** Whether a peer has slots in this job: it came, and was not left out since. */
  employs(peer: string): boolean {
    return [...this.#slots].some(({ executor }) => executor.peer === peer)
  }

  /** The peer is gone: what it was doing is someone else's now. */
  remove(peer: string, reason = new Error('the peer has left')): void {
    for (const slot of this.#slots) {
      if (slot.executor.peer !== peer) continue
      this.#slots.delete(slot)
      slot.gone.abort(reason)
    }
    this.assign()
  }

  /** Ends the job: `run` rejects with this. */
  fail(error: Error): void {
    this.#finished.reject(error)
  }

  /** Resolves with all segments in the film's order. @throws JobError SEGMENT_FAILED; the signal's reason */
  async run(): Promise<readonly VerifiedSegment[]> {
    const { signal } = this.#init
    const onAbort = () => this.#finished.reject(signal.reason)
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
      await Promise.allSettled(this.#running)
    }
    return this.#verified.sort((a, b) => a.task.index - b.task.index)
  }

  /** Gives each idle slot its next task. */
  assign(): void {
    if (this.#stopped.signal.aborted) return
    const now = this.#init.node.surroundings.now()
    for (const slot of this.#slots) {
      if (slot.task !== undefined || slot.restUntil > now || !this.#init.mayWork(slot.executor)) continue
      const next = this.#nextFor(slot, now)
      if (next === undefined) continue
      const running = this.#attempt(slot, next)
      this.#running.add(running)
      void running.finally(() => this.#running.delete(running))
    }
    if (this.#open === 0 && this.#returned.length === 0 && this.#init.plan.uncarvedFrames === 0) {
      this.#finished.resolve()
    }
  }

  #nextFor(slot: Slot, now: number): Returned | undefined {
    const { plan, policy } = this.#init
    const usable = [...this.#slots].filter(({ executor }) => this.#init.mayWork(executor))
    const place = this.#returned.findIndex(
      ({ failed }) =>
        !failed.has(slot.executor.peer) || usable.every(({ executor }) => failed.has(executor.peer)),
    )
    if (place >= 0) return this.#returned.splice(place, 1)[0]
    const others = usable
      .filter((other) => other !== slot && (other.task !== undefined || other.restUntil <= now))
      .map(({ rate, task, framesDone }) => ({
        rate,
        pendingFrames: task === undefined ? 0 : Math.max(0, task.frames - framesDone),
      }))
    const frames = framesForSlot({ rate: slot.rate, pendingFrames: 0 }, others, plan.uncarvedFrames, policy)
    if (frames === 0) return undefined
    const task = plan.carve(frames)
    return task === undefined ? undefined : { task, attempts: 0, failed: new Set() }
  }

  #hasSlots(): boolean {
    return [...this.#slots].some(({ executor }) => this.#init.mayWork(executor))
  }

  async #attempt(slot: Slot, { task, attempts, failed }: Returned): Promise<void> {
    const { executor } = slot
    const { job, directory } = this.#init
    const attempt = attempts + 1
    const path = join(directory, `segment-${task.index}-${attempt}.${job.container}`)
    const tell = (state: SegmentChanged['state'], more: Partial<SegmentChanged> = {}): SegmentChanged => {
      const event: SegmentChanged = {
        event: 'segment',
        index: task.index,
        startPts: Number(task.firstPts),
        endPts: Number(task.lastPts),
        timeBase: formatTimeBase(job.film.timing.source),
        peer: executor.peer,
        attempt,
        frames: task.frames,
        ...more,
        state,
      }
      this.#init.emit(event)
      return event
    }
    let holdsSlot = true
    let collecting = 0
    const freeSlot = () => {
      if (!holdsSlot) return
      holdsSlot = false
      slot.task = undefined
      slot.framesDone = 0
    }
    this.#open++
    slot.task = task
    slot.framesDone = 0
    tell('assigned')
    try {
      const signal = AbortSignal.any([this.#stopped.signal, slot.gone.signal])
      const encoded = await executor.encode(task, {
        attempt,
        path,
        signal,
        onEncoding: () => tell('encoding'),
        onProgress: (frames) => {
          if (holdsSlot) slot.framesDone = frames
        },
        onEncoded: (seconds) => {
          slot.rate = updateRate(slot.rate, task.frames, seconds)
          freeSlot()
          collecting = task.frames
          this.#collectingFrames += collecting
          this.assign()
        },
      })
      const inspected = await this.#verify(executor, task, path, encoded, signal)
      const decodedFrom = task.seekPts[encoded.seekIndex]
      const event = tell('verified', {
        bytes: encoded.sizeBytes,
        encodeSeconds: encoded.encodeSeconds,
        decodedFrom: decodedFrom === undefined ? null : Number(decodedFrom),
      })
      this.#verified.push({ task, path, executor, encoded, inspected, event })
      slot.failures = 0
      await encoded.accept().catch(() => {})
    } catch (error) {
      await rm(path, { force: true })
      if (!this.#stopped.signal.aborted) {
        this.#onFailure(slot, { task, attempts, failed }, error, (more) => tell('failed', more))
      }
    } finally {
      freeSlot()
      this.#collectingFrames -= collecting
      this.#open--
      this.assign()
    }
  }

  #onFailure(
    slot: Slot,
    { task, attempts, failed }: Returned,
    error: unknown,
    tell: (more: { code?: string; detail: string }) => void,
  ): void {
    const { job, node } = this.#init
    const detail = error instanceof Error ? error.message : String(error)
    tell({ ...failureCode(error), detail })
    if (isDiskFull(error, slot.executor)) {
      this.#finished.reject(
        new JobError({ code: 'WORK_DISK_FULL', directory: this.#init.directory }, { cause: error }),
      )
      return
    }
    if (isFrameMismatch(error) && job.index.evidence === 'packets') {
      this.#finished.reject(new IndexInDoubt())
      return
    }
    if (isOfOtherBuild(error) && !slot.executor.isLocal) {
      this.#returned.push({ task, attempts, failed })
      // What it is doing meanwhile is of that build too.
      this.#leaveOut(slot.executor, 'unusable', detail, error)
      return
    }
    const refused = error instanceof ProtocolError && error.failure.code === 'REFUSED'
    const isLost = slot.gone.signal.aborted || (error instanceof ProtocolError && LOST.has(error.code))
    // A peer that is busy or gone says nothing about the segment.
    const tried = refused || isLost ? attempts : attempts + 1
    const giveUp = () =>
      this.#finished.reject(
        new JobError(
          {
            code: 'SEGMENT_FAILED',
            index: task.index,
            startSeconds: toSeconds(task.firstPts, job.film.timing.source),
            attempts: tried,
            detail,
          },
          { cause: error },
        ),
      )
    if (tried >= ATTEMPTS_MAX) {
      giveUp()
      return
    }
    this.#returned.push({
      task,
      attempts: tried,
      failed: refused || isLost ? failed : new Set([...failed, slot.executor.peer]),
    })
    slot.restUntil = node.surroundings.now() + REST_MS
    if (refused || slot.executor.isLocal) return
    slot.failures++
    if (slot.failures >= PEER_FAILURES_MAX) {
      this.#leaveOut(slot.executor, 'excluded', detail)
      if (!this.#hasSlots()) giveUp()
    }
  }

  #leaveOut({ peer, name }: Executor, state: 'unusable' | 'excluded', detail: string, reason?: Error): void {
    // Another of its slots may have come to the same end.
    if (!this.employs(peer)) return
    this.remove(peer, reason)
    this.#init.emit({ event: 'peer', peer, name, state, slots: 0, detail })
  }

  /** Reads the segment as it lies here: nothing counts because a peer says so. */
  async #verify(
    executor: Executor,
    task: Task,
    path: string,
    encoded: EncodedTask,
    signal: AbortSignal,
  ): Promise<InspectedSegment> {
    const { node, job } = this.#init
    const inspected =
      encoded.inspected ?? (await inspectSegment(node.tools.ffprobe, path, job.container, { signal }))
    const { times, picture } = inspected
    if (times.length !== task.times.length || times.some((time, place) => time !== task.times[place])) {
      await encoded.refuse('FRAMES').catch(() => {})
      throw new MediaError({ code: 'SEGMENT_FRAMES', expected: task.times.length, actual: times.length })
    }
    if (picture !== job.picture) {
      await encoded.refuse('PICTURE').catch(() => {})
      throw new MediaError({ code: 'SEGMENT_PICTURE', expected: job.picture, actual: picture })
    }
    this.#build ??= inspected
    // What this node itself makes of the film counts more than what it has made of the first frame.
    if (executor.isLocal && this.#verified.length === 0) this.#build = inspected
    const unfit = job.mixedBuilds ? undefined : whyUnfit(inspected, this.#build, job.params.encoder)
    if (unfit !== undefined) {
      await encoded.refuse('PARAMETER_SETS').catch(() => {})
      throw new MediaError({ code: 'PARAMETER_SETS', detail: unfit })
    }
    return inspected
  }
}

/** The packets did not tell the frames after all: the job starts again with the times of a full decode. */
export class IndexInDoubt extends Error {
  override readonly name = 'IndexInDoubt'
}

const LOST: ReadonlySet<string> = new Set(['DISCONNECTED', 'LEASE_EXPIRED', 'TIMEOUT'])

/** This machine's disk: a full one elsewhere is that peer's matter. */
function isDiskFull(error: unknown, executor: Executor): boolean {
  if (!(error instanceof Error)) return false
  if ('code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) return true
  return executor.isLocal && /No space left on device/.test(error.message)
}

function failureCode(error: unknown): { code?: string } {
  if (!(error instanceof ProtocolError) && !(error instanceof MediaError)) return {}
  return { code: error.failure.code === 'FAILED' ? error.failure.reason : error.code }
}

function isOfOtherBuild(error: unknown): error is MediaError {
  return error instanceof MediaError && error.code === 'PARAMETER_SETS'
}

function isFrameMismatch(error: unknown): boolean {
  if (error instanceof MediaError) return error.code === 'SEGMENT_FRAMES'
  return (
    error instanceof ProtocolError &&
    error.failure.code === 'FAILED' &&
    error.failure.reason === 'SEGMENT_FRAMES'
  )
}
