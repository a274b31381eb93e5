/**
 * The look at pictures that peers send: frames and times may be right, and what is seen another film. All of a peer's segments are
 * looked at until one was found right, and of the others as many as cost little. Nobody is called a liar on one finding: the segment is made once more by somebody else,
 * and whose pictures are the source's then is believed.
 */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  encodeSegment,
  type FilmFile,
  type FrameIndex,
  fileUrl,
  filmAsItIs,
  type InspectedSegment,
  type LocatedTools,
  lookAtSegment,
  MediaError,
  type Rational,
  type SegmentLook,
  type Stretch,
  segmentTimeScale,
} from '../../media/index.ts'
import { type Job, segmentTask } from './job.ts'
import { sourceFilm } from './pictures.ts'
import type { SegmentPlan, Task } from './plan.ts'

export interface AuditInit {
  readonly tools: LocatedTools
  readonly job: Job
  /** As much of the film as is known by now. */
  readonly plan: Pick<SegmentPlan, 'film' | 'restore'>
  /** Of this node's, for files of its own. */
  readonly directory: string
  /** Seconds. */
  now(): number
  /** In [0, 1): which segments and which of their pictures nobody can foresee. */
  random(): number
}

export interface AuditedSegment {
  readonly task: Task
  readonly path: string
  readonly inspected: InspectedSegment
  /** PeerId. */
  readonly peer: string
  readonly isLocal: boolean
  /** That the work took, as seen from here. */
  readonly seconds: number
}

/** Looked at in each segment: enough for one bad picture to stand out. */
const FRAMES = 6
/** Two encodings of one picture lie no farther apart, however bad they are. */
const CLEARLY_DB = 6
/** Where one cannot seek, each look costs all of the film before it: what a peer makes of its beginning is looked at, and no more. */
const FROM_START_MAX = 2_000
/** Of a segment are encoded here where its pictures seem to be others. */
const OWN_FRAMES = 48
/** Of the time that peers take to encode. */
const SHARE_OF_WORK = 0.01
/** Until some have been measured. */
const SECONDS_ASSUMED = 1

export class Audit {
  readonly #init: AuditInit
  /** Frames of the film, from its first on, among which pictures can be looked at. */
  readonly #reach: number
  /** Peers whose pictures were looked at to the end, and nothing is held against: of what they send the rest is looked at by chance. */
  readonly #known = new Set<string>()
  /** By task: who sent pictures that seem to be others, what they look like, and where. */
  readonly #suspects = new Map<Task, { stretch: Stretch; peers: Map<string, SegmentLook> }>()
  #isOff = false
  #looks = 0
  #spentSeconds = 0

  constructor(init: AuditInit) {
    this.#init = init
    const { index, params, synced } = init.job
    const isNear = index.seekable && params.filters.history !== 'all'
    // Repeated and dropped frames have no picture of the same time in the source.
    this.#reach = synced !== undefined ? 0 : isNear ? Number.POSITIVE_INFINITY : FROM_START_MAX
  }

  /**
   * @returns PeerIds of those who sent other pictures of this segment before
   * @throws MediaError SEGMENT_PICTURES: they seem to be others; the signal's reason
   */
  async look(segment: AuditedSegment, options: { signal: AbortSignal }): Promise<readonly string[]> {
    const { task, peer } = segment
    const suspected = this.#suspects.get(task)
    if (this.#isOff || task.first + Math.min(FRAMES, task.frames) > this.#reach) return []
    if (suspected === undefined && !this.#isWorthIt(segment)) return []
    const stretch = suspected?.stretch ?? this.#choose(task)
    const began = this.#init.now()
    const look = await this.#compare(segment, stretch, options)
    const difference = (await this.#isSuspect(look, segment, stretch, options)) ? look?.difference : undefined
    this.#looks++
    this.#spentSeconds += this.#init.now() - began
    if (difference === undefined || look === undefined) {
      // Not before: a look that is broken off, as somebody else was sooner, has seen nothing.
      this.#known.add(peer)
      this.#suspects.delete(task)
      const worse = [...(suspected?.peers ?? [])].filter(([, theirs]) => isClearlyWorse(theirs, look))
      return worse.map(([suspect]) => suspect).filter((suspect) => suspect !== peer)
    }
    this.#known.delete(peer)
    const peers = new Map(suspected?.peers).set(peer, look)
    this.#suspects.set(task, { stretch, peers })
    throw new MediaError({ code: 'SEGMENT_PICTURES', detail: difference })
  }

  /** Whether the pictures are others, and clearly so beside what this node makes of them: some params make what looks like no source. */
  async #isSuspect(
    look: SegmentLook | undefined,
    { task, isLocal }: AuditedSegment,
    stretch: Stretch,
    options: { signal: AbortSignal },
  ): Promise<boolean> {
    if (look?.difference === undefined) return false
    if (isLocal) {
      this.#isOff = true
      return false
    }
    const own = await this.#lookHere(task, stretch, options)
    const isClear = isClearlyWorse(look, own)
    // There is nothing to be told by such looks.
    if (!isClear && own?.difference !== undefined) this.#isOff = true
    return isClear
  }

  #isWorthIt({ peer, isLocal, seconds }: AuditedSegment): boolean {
    if (isLocal) return false
    if (!this.#known.has(peer)) return true
    const each = this.#looks === 0 ? SECONDS_ASSUMED : this.#spentSeconds / this.#looks
    return this.#init.random() < (SHARE_OF_WORK * seconds) / Math.max(each, 1e-3)
  }

  #choose({ first, frames }: Task): Stretch {
    const count = Math.min(FRAMES, frames)
    const places = Math.min(frames, this.#reach - first) - count + 1
    const from = first + Math.floor(this.#init.random() * places)
    return { first: from, end: from + count }
  }

  /** The same look at what this node makes of these pictures. */
  async #lookHere(
    whole: Task,
    { end }: Stretch,
    options: { signal: AbortSignal },
  ): Promise<SegmentLook | undefined> {
    const { tools, job, plan, directory } = this.#init
    const first = Math.max(whole.first, end - OWN_FRAMES)
    const task = plan.restore({ index: whole.index, first, frames: end - first })
    if (task === undefined) return undefined
    const path = join(directory, `own-${randomBytes(4).toString('hex')}.${job.container}`)
    const files = { inputUrl: fileUrl(job.source.path), inputFd: job.source.fd, outputPath: path }
    try {
      const { inspected } = await encodeSegment(tools, segmentTask(job, task), files, options)
      const own = { task, path, inspected }
      return await this.#compare(own, { first: Math.max(first, end - FRAMES), end }, options)
    } catch (error) {
      if (error instanceof MediaError) return undefined
      throw error
    } finally {
      await rm(path, { force: true })
    }
  }

  async #compare(
    { task, path, inspected }: Pick<AuditedSegment, 'task' | 'path' | 'inspected'>,
    stretch: Stretch,
    options: { signal: AbortSignal },
  ): Promise<SegmentLook | undefined> {
    const { tools, job } = this.#init
    const source = sourceFilm(job, this.#init.plan.film)
    const timeBase = { num: 1, den: segmentTimeScale(job.film.timing.encoder) }
    const segment = filmOf(path, job.container, inspected, timeBase, task.first)
    return await lookAtSegment(tools.ffmpeg, segment, source, stretch, options)
  }
}

/**
 * Than pictures that are right as far as one can see. Encoders differ in how much they leave of a picture; in none does another picture,
 * or another range of light, come of it.
 */
function isClearlyWorse(look: SegmentLook, right: SegmentLook | undefined): boolean {
  if (right === undefined) return false
  if (look.lowestPsnr < right.lowestPsnr - CLEARLY_DB) return true
  return right.difference === undefined && look.kind !== undefined && look.kind !== 'outlier'
}

function filmOf(
  path: string,
  format: string,
  { times, keyframes, picture }: InspectedSegment,
  timeBase: Rational,
  begins: number,
): FilmFile {
  const [, width = '0', height = '0', pixelFormat = ''] = /^(\d+)x(\d+) (\S*)/.exec(picture) ?? []
  const index: FrameIndex = {
    ...{ timeBase, pts: times, keyframes, positions: undefined, evidence: 'packets', seekable: true },
    // Nobody has looked: one further back is always right.
    openGops: Array.from(keyframes, () => true),
  }
  const video = { index: 0, width: Number(width), height: Number(height), pixelFormat }
  return filmAsItIs({ path, format, video }, index, begins)
}
