/**
 * The film as tasks: carved from its front as slots become idle, returned when an attempt fails, never lost. Pure
 * state; who encodes what and when is decided elsewhere.
 */
import {
  chooseCut,
  type FrameIndex,
  ptsDigest,
  rangeOf,
  SEGMENT_SHIFT_SECONDS,
  type SegmentRange,
  seekPlaces,
  segmentTimeScale,
  type Timing,
  toOutputTimes,
} from '../../media/index.ts'

export interface Task extends SegmentRange {
  readonly index: number
  readonly frames: number
  /** Times of the first frame and just behind the last, in the source's ticks. */
  readonly firstPts: bigint
  readonly lastPts: bigint
  readonly seekPts: readonly (bigint | undefined)[]
  /** The frame times that the segment must have, in ticks of its own time scale, shift included. */
  readonly times: BigInt64Array
  readonly expected: { readonly frames: number; readonly ptsDigest: string }
}

export class SegmentPlan {
  readonly index: FrameIndex
  readonly #timing: Timing
  readonly #atKeyframes: boolean
  #carved = 0
  #next = 0

  constructor(index: FrameIndex, timing: Timing, options: { atKeyframes: boolean }) {
    this.index = index
    this.#timing = timing
    this.#atKeyframes = options.atKeyframes
  }

  get totalFrames(): number {
    return this.index.pts.length
  }

  /** Frames that are in no task yet. */
  get uncarvedFrames(): number {
    return this.totalFrames - this.#next
  }

  /** The next task, of about `frames` frames; undefined when all are carved. */
  carve(frames: number): Task | undefined {
    if (this.uncarvedFrames === 0) return undefined
    const first = this.#next
    const end = chooseCut(this.index, first, frames, {
      limit: this.totalFrames,
      atKeyframes: this.#atKeyframes,
    })
    this.#next = end
    return this.#task(this.#carved++, first, end)
  }

  #task(index: number, first: number, end: number): Task {
    const scale = segmentTimeScale(this.#timing.encoder)
    const shift = BigInt(SEGMENT_SHIFT_SECONDS * scale)
    const pts = this.index.pts.subarray(first, end)
    const times = toOutputTimes(pts, this.#timing, { num: 1, den: scale }).map((time) => time + shift)
    return {
      index,
      frames: end - first,
      ...rangeOf(this.index, first, end),
      firstPts: pts[0] ?? 0n,
      lastPts: this.index.pts[end] ?? (pts.at(-1) ?? 0n) + 1n,
      seekPts: seekPlaces(this.index, first),
      times,
      expected: { frames: times.length, ptsDigest: ptsDigest(times) },
    }
  }
}
