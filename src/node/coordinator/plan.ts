/** What a stretch of the film is as a task: its times, where to cut it and where its decoding may start. */
import {
  chooseCut,
  type Film,
  type FilteredSource,
  type ForcedKeyframes,
  forcedInSegment,
  forcedPlaces,
  type KeyframePlaces,
  ptsDigest,
  type Retiming,
  RUNS_MAX,
  SEGMENT_SHIFT_SECONDS,
  type SegmentSource,
  type SyncedFilm,
  segmentSource,
  segmentTimeScale,
  syncedSource,
  toOutputTimes,
} from '../../media/index.ts'
import type { Carver, Piece, Stretch } from '../scheduler/index.ts'

export interface Task extends SegmentSource, Piece {
  /** In the order in which tasks were made. */
  readonly index: number
  /** Times of the first frame and just behind the last, in the film's ticks. */
  readonly firstPts: bigint
  readonly lastPts: bigint
  readonly forcedKeyframes: ForcedKeyframes | undefined
  readonly retiming: Retiming | undefined
  /** The frame times that the segment must have, in ticks of its own time scale, shift included. */
  readonly times: BigInt64Array
  readonly expected: { readonly frames: number; readonly ptsDigest: string }
}

export interface FilmPlan extends FilteredSource {
  readonly forcedKeyframes: ForcedKeyframes | undefined
  /** The film itself where it has another frame rate than its source. */
  readonly synced: SyncedFilm | undefined
}

export class SegmentPlan implements Carver<Task> {
  readonly #atKeyframes: boolean
  #plan: FilmPlan
  /** Places of the frames that the user wants as keyframes. */
  #forced: readonly number[] = []
  /** Where cuts are cheap; undefined: they stand anywhere. */
  #keyframes: KeyframePlaces | undefined
  /** About how many frames the film has; undefined: they are all here. */
  #expectedFrames: number | undefined
  #carved = 0

  /** @param options.expectedFrames where the plan is but the film's beginning, about how many frames it has */
  constructor(plan: FilmPlan, options: { atKeyframes: boolean; expectedFrames?: number | undefined }) {
    this.#plan = plan
    this.#atKeyframes = options.atKeyframes
    this.grow(plan, options.expectedFrames)
  }

  /** The same film, of which more is known. */
  grow(plan: FilmPlan, expectedFrames?: number): void {
    this.#plan = plan
    this.#expectedFrames = expectedFrames
    const { index, film, chain, forcedKeyframes } = plan
    this.#forced = forcedPlaces(film, forcedKeyframes)
    if (!this.#atKeyframes) return
    // A cut makes a keyframe: best one that is wanted anyway.
    if (this.#forced.length > 0) {
      const keyframes = BigInt64Array.from(this.#forced, (place) => film.pts[place] ?? 0n)
      this.#keyframes = { pts: film.untrimmed, keyframes }
    } else if (chain.times !== 'changed' && plan.synced === undefined) {
      // Elsewhere the film's places are not the source's.
      this.#keyframes = index
    }
  }

  /** The frames that can be shared out: of a beginning all but the last, whose time ends the one before. */
  get totalFrames(): number {
    return this.#film.pts.length - (this.#expectedFrames === undefined ? 0 : 1)
  }

  get unseenFrames(): number {
    return this.#expectedFrames === undefined ? 0 : Math.max(1, this.#expectedFrames - this.totalFrames)
  }

  /** A task at the front of the stretch, of about `frames` frames: to a cheap cut where one is near, and no further than the stretch. */
  carve(stretch: Stretch, frames: number): Task {
    const { first } = stretch
    const skipped = this.#film.first
    const cut = chooseCut(this.#keyframes, skipped + first, frames, skipped + stretch.end) - skipped
    return this.#task(this.#carved++, first, this.#withinRuns(first, cut))
  }

  /** The task that was carved before, by another process perhaps. */
  restore({ index, first, frames }: Pick<Task, 'index' | 'first' | 'frames'>): Task | undefined {
    if (first + frames > this.#film.pts.length) return undefined
    this.#carved = Math.max(this.#carved, index + 1)
    return this.#task(index, first, first + frames)
  }

  /** Where a segment from `first` to `end` must end so that its worker takes what it is told of repeated frames. */
  #withinRuns(first: number, end: number): number {
    const { synced } = this.#plan
    if (synced === undefined || end - first <= 1) return end
    if (syncedSource(this.#plan, synced, first, end).retiming.runs.length <= RUNS_MAX) return end
    return this.#withinRuns(first, first + Math.ceil((end - first) / 2))
  }

  /** As much of it as is known. */
  get film(): FilmPlan {
    return this.#plan
  }

  get #film(): Film {
    return this.#plan.film
  }

  #source(first: number, end: number): SegmentSource & Pick<Task, 'retiming'> {
    const { synced } = this.#plan
    return synced === undefined
      ? { ...segmentSource(this.#plan, first, end), retiming: undefined }
      : syncedSource(this.#plan, synced, first, end)
  }

  #task(index: number, first: number, end: number): Task {
    const { timing } = this.#film
    const scale = segmentTimeScale(timing.encoder)
    const shift = BigInt(SEGMENT_SHIFT_SECONDS * scale)
    const pts = this.#film.pts.subarray(first, end)
    const times = toOutputTimes(pts, timing, { num: 1, den: scale }).map((time) => time + shift)
    return {
      ...{ index, first, frames: end - first },
      ...this.#source(first, end),
      forcedKeyframes: forcedInSegment(this.#film, this.#plan.forcedKeyframes, this.#forced, [first, end]),
      firstPts: pts[0] ?? 0n,
      lastPts: this.#film.pts[end] ?? (pts.at(-1) ?? 0n) + 1n,
      times,
      expected: { frames: times.length, ptsDigest: ptsDigest(times) },
    }
  }
}
