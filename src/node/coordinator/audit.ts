/**
 * The look at pictures that peers send: frames and times may be right, and what is seen another film. Each peer's first segment is looked
 * at, and of the others as many as cost little. Nobody is called a liar on one finding: the segment is made once more by somebody else,
 * and whose pictures are the source's then is believed.
 */
import {
  type FilmFile,
  type InspectedSegment,
  type LocatedTools,
  lookAtSegment,
  MediaError,
  NO_FILTERS,
  type Rational,
  type Stretch,
  segmentTimeScale,
} from '../../media/index.ts'
import type { Job } from './job.ts'
import type { FilmPlan, Task } from './plan.ts'

export interface AuditInit {
  readonly tools: LocatedTools
  readonly job: Job
  /** As much of the film as is known by now. */
  film(): FilmPlan
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
/** Of the time that peers take to encode. */
const SHARE_OF_WORK = 0.01
/** Until some have been measured. */
const SECONDS_ASSUMED = 1

export class Audit {
  readonly #init: AuditInit
  readonly #isApplicable: boolean
  readonly #known = new Set<string>()
  /** By task: who sent pictures that seem to be others, and where. */
  readonly #suspects = new Map<Task, { stretch: Stretch; peers: Set<string> }>()
  #isOff = false
  #looks = 0
  #spentSeconds = 0

  constructor(init: AuditInit) {
    this.#init = init
    const { index, params, synced } = init.job
    // Repeated and dropped frames have no picture of the same time in the source; elsewhere each look would cost all of the film before it.
    this.#isApplicable = synced === undefined && index.seekable && params.filters.history !== 'all'
  }

  /**
   * @returns PeerIds of those who sent other pictures of this segment before
   * @throws MediaError SEGMENT_PICTURES: they seem to be others; the signal's reason
   */
  async look(segment: AuditedSegment, options: { signal: AbortSignal }): Promise<readonly string[]> {
    const { task, peer, isLocal } = segment
    const suspected = this.#suspects.get(task)
    if (!this.#isApplicable || this.#isOff) return []
    if (suspected === undefined && !this.#isWorthIt(segment)) return []
    const stretch = suspected?.stretch ?? this.#choose(task)
    const began = this.#init.now()
    const difference = await this.#compare(segment, stretch, options)
    this.#looks++
    this.#spentSeconds += this.#init.now() - began
    if (difference === undefined) {
      this.#suspects.delete(task)
      return [...(suspected?.peers ?? [])].filter((suspect) => suspect !== peer)
    }
    if (isLocal) {
      // What this node makes of the source itself looks so: there is nothing to be told by such a look.
      this.#isOff = true
      return []
    }
    this.#suspects.set(task, { stretch, peers: new Set([...(suspected?.peers ?? []), peer]) })
    throw new MediaError({ code: 'SEGMENT_PICTURES', detail: difference })
  }

  #isWorthIt({ peer, isLocal, seconds }: AuditedSegment): boolean {
    if (isLocal) return false
    const isNew = !this.#known.has(peer)
    this.#known.add(peer)
    const each = this.#looks === 0 ? SECONDS_ASSUMED : this.#spentSeconds / this.#looks
    return isNew || this.#init.random() < (SHARE_OF_WORK * seconds) / Math.max(each, 1e-3)
  }

  #choose({ first, frames }: Task): Stretch {
    const count = Math.min(FRAMES, frames)
    const from = first + Math.floor(this.#init.random() * (frames - count + 1))
    return { first: from, end: from + count }
  }

  async #compare(
    { task, path, inspected }: AuditedSegment,
    stretch: Stretch,
    options: { signal: AbortSignal },
  ): Promise<string | undefined> {
    const { tools, job } = this.#init
    const { filters } = job.params
    const text = [filters.text, job.alike].filter((part) => part !== '').join(',')
    const source: FilmFile = {
      ...this.#init.film(),
      file: job.source,
      chain: { ...filters, text },
      x264Build: job.x264Build,
    }
    const timeBase = { num: 1, den: segmentTimeScale(job.film.timing.encoder) }
    const segment = filmOf(path, job.container, inspected, timeBase, task.first)
    return await lookAtSegment(tools.ffmpeg, segment, source, stretch, options)
  }
}

function filmOf(
  path: string,
  format: string,
  { times, keyframes, picture }: InspectedSegment,
  timeBase: Rational,
  begins: number,
): FilmFile {
  const [, width = '0', height = '0', pixelFormat = ''] = /^(\d+)x(\d+) (\S*)/.exec(picture) ?? []
  const timing = { source: timeBase, encoder: timeBase, zeroMicroseconds: 0n, startMicroseconds: 0n }
  return {
    file: { path, format, video: { index: 0, width: Number(width), height: Number(height), pixelFormat } },
    begins,
    index: {
      timeBase,
      pts: times,
      keyframes,
      // Nobody has looked: one further back is always right.
      openGops: Array.from(keyframes, () => true),
      positions: undefined,
      evidence: 'packets',
      seekable: true,
    },
    film: { pts: times, untrimmed: times, first: 0, timing, filtered: undefined },
    chain: NO_FILTERS,
    zeroMicroseconds: 0n,
    x264Build: undefined,
  }
}
