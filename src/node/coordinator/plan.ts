/**
 * The film as tasks: carved from its front as slots become idle, returned when an attempt fails, never lost. Pure
 * state; who encodes what and when is decided elsewhere.
 */
import {
  chooseCut,
  type Film,
  type FilmPlan,
  ptsDigest,
  SEGMENT_SHIFT_SECONDS,
  type SegmentSource,
  segmentSource,
  segmentTimeScale,
  toOutputTimes,
} from '../../media/index.ts'

export interface Task extends SegmentSource {
  readonly index: number
  readonly frames: number
  /** Times of the first frame and just behind the last, in the film's ticks. */
  readonly firstPts: bigint
  readonly lastPts: bigint
  /** The frame times that the segment must have, in ticks of its own time scale, shift included. */
  readonly times: BigInt64Array
  readonly expected: { readonly frames: number; readonly ptsDigest: string }
}

export class SegmentPlan {
  readonly #plan: FilmPlan
  readonly #atKeyframes: boolean
  #carved = 0
  #next = 0

  constructor(plan: FilmPlan, options: { atKeyframes: boolean }) {
    this.#plan = plan
    // Places of keyframes are places in the source.
    this.#atKeyframes = options.atKeyframes && plan.chain.times !== 'changed'
  }

  get totalFrames(): number {
    return this.#film.pts.length
  }

  /** Frames that are in no task yet. */
  get uncarvedFrames(): number {
    return this.totalFrames - this.#next
  }

  /** The next task, of about `frames` frames; undefined when all are carved. */
  carve(frames: number): Task | undefined {
    if (this.uncarvedFrames === 0) return undefined
    const first = this.#next
    // Where cuts look for keyframes, the film's places are the source's, but for the beginning.
    const skipped = this.#film.first
    const end =
      chooseCut(this.#plan.index, skipped + first, frames, {
        limit: skipped + this.totalFrames,
        atKeyframes: this.#atKeyframes,
      }) - skipped
    this.#next = end
    return this.#task(this.#carved++, first, end)
  }

  get #film(): Film {
    return this.#plan.film
  }

  #task(index: number, first: number, end: number): Task {
    const { timing } = this.#film
    const scale = segmentTimeScale(timing.encoder)
    const shift = BigInt(SEGMENT_SHIFT_SECONDS * scale)
    const pts = this.#film.pts.subarray(first, end)
    const times = toOutputTimes(pts, timing, { num: 1, den: scale }).map((time) => time + shift)
    return {
      index,
      frames: end - first,
      ...segmentSource(this.#plan, first, end),
      firstPts: pts[0] ?? 0n,
      lastPts: this.#film.pts[end] ?? (pts.at(-1) ?? 0n) + 1n,
      times,
      expected: { frames: times.length, ptsDigest: ptsDigest(times) },
    }
  }
}
