/**
 * Where to cut and where to start decoding. Cuts stand between any two frames; keyframes only make them cheap.
 * Positions count frames in presentation order: a segment is the half-open range `[first, end)` of them.
 */
import { lowerBound } from './ascending-times.ts'
import type { FrameIndex } from './frame-index.ts'
import type { SegmentRange } from './segment/task.ts'

/** Frames, and those of them where a cut costs least. */
export type KeyframePlaces = Pick<FrameIndex, 'pts' | 'keyframes'>

/**
 * The end of a segment that starts at `first` and should have about `wanted` frames: at a keyframe where one is near,
 * otherwise just there. Near is half of that length, and towards the end of the film a third of what is left behind it: what
 * comes later evens out what a cut elsewhere does to a plan by which all are done at once.
 *
 * @param index where keyframes are; undefined: they do not matter
 * @param limit the end of the film
 */
export function chooseCut(
  index: KeyframePlaces | undefined,
  first: number,
  wanted: number,
  limit: number,
): number {
  const ideal = first + Math.max(1, Math.round(wanted))
  if (ideal >= limit) return limit
  if (index === undefined) return ideal
  const slack = Math.min(Math.floor(wanted / 2), Math.floor((limit - ideal) / 3))
  const keyframe = nearestKeyframe(index, ideal)
  const isNear = keyframe !== undefined && Math.abs(keyframe - ideal) <= slack && keyframe > first
  return isNear ? keyframe : ideal
}

/** The position of the frame that is a keyframe and nearest to another position. */
function nearestKeyframe(index: KeyframePlaces, position: number): number | undefined {
  const time = index.pts[position]
  if (time === undefined) return undefined
  const after = lowerBound(index.keyframes, time)
  const candidates = [index.keyframes[after - 1], index.keyframes[after]].flatMap((pts) => {
    if (pts === undefined) return []
    const place = lowerBound(index.pts, pts)
    return index.pts[place] === pts ? [place] : []
  })
  return candidates.sort((a, b) => Math.abs(a - position) - Math.abs(b - position))[0]
}

/** The times of a range of frames; the film's two ends stay open, so that nothing before or after is missed. */
export function rangeOf(index: FrameIndex, first: number, end: number): SegmentRange {
  return {
    startPts: first === 0 ? undefined : index.pts[first],
    endPts: end === index.pts.length ? undefined : index.pts[end],
  }
}

// One offer holds 16 places. Doubling reaches 2^13 GOPs back, then the start.
const SEEK_PLACES_MAX = 15

/**
 * Where to start decoding so that the frame at `first` comes out whole: at the keyframe before it, one GOP earlier
 * where leading pictures refer back (open GOP), then 2, 4, 8 … GOPs earlier, in the end at the start (`undefined`).
 */
export function seekPlaces(index: FrameIndex, first: number): (bigint | undefined)[] {
  const time = index.pts[first]
  if (first === 0 || time === undefined || !index.seekable) return [undefined]
  const after = lowerBound(index.keyframes, time)
  const at = index.keyframes[after] === time ? after : after - 1
  const nearest = index.openGops[at] === true ? at - 1 : at
  const places: (bigint | undefined)[] = []
  for (
    let back = 0;
    nearest - back > 0 && places.length < SEEK_PLACES_MAX;
    back = back === 0 ? 1 : back * 2
  ) {
    places.push(index.keyframes[nearest - back])
  }
  return [...places, undefined]
}
