/** What of the source a segment needs: the frames its filters must see, and where decoding can start for them. */

import { lowerBound } from '../ascending-times.ts'
import { rangeOf, seekPlaces } from '../cuts.ts'
import type { Film } from '../film.ts'
import type { FilterChain } from '../filters/index.ts'
import type { FrameIndex } from '../frame-index.ts'
import { repeatRuns, type SyncedFilm } from '../frame-sync.ts'
import { type ByteRange, neededBytes } from '../packet-positions.ts'
import { MICROSECONDS, rescale } from '../rational.ts'
import type { Retiming } from './retime.ts'
import type { SegmentSource } from './task.ts'

export interface FilteredSource {
  readonly index: FrameIndex
  readonly film: Film
  readonly chain: FilterChain
  /** What a single run subtracts from the source's timestamps. */
  readonly zeroMicroseconds: bigint
}

/** The same for a film of another frame rate: what of the film it is made from the segment shows, and how often. */
export function syncedSource(
  plan: FilteredSource,
  film: SyncedFilm,
  from: number,
  to: number,
): SegmentSource & { retiming: Retiming } {
  const places = film.places.subarray(from, to)
  const inner = { ...film.from, first: 0 }
  const source = segmentSource({ ...plan, film: inner }, places[0] ?? 0, (places.at(-1) ?? 0) + 1)
  const firstPts = film.isConstant ? (film.pts[from] ?? 0n) : undefined
  return { ...source, retiming: { timeBase: film.timing.source, firstPts, runs: repeatRuns(places) } }
}

/** @param from,to places of the film's frames: the segment is `[from, to)` of them */
export function segmentSource(plan: FilteredSource, from: number, to: number): SegmentSource {
  const { index, film, chain } = plan
  const [first, end] = [film.first + from, film.first + to]
  if (film.filtered === undefined) {
    const range = rangeOf(index, first, end)
    const seekPts = seekPlaces(index, first)
    return { ...range, filtered: undefined, seekPts, bytes: bytesOf(index, seekPts[0], range.endPts) }
  }
  const seen = chain.history === 'all' ? 0 : Math.max(0, sourcePlace(plan, first) - chain.history)
  const seekPts = seekPlaces(index, seen)
  const last = end === film.untrimmed.length ? undefined : index.pts[sourcePlace(plan, end)]
  return {
    startPts: seen === 0 ? undefined : index.pts[seen],
    // The cut behind the filters ends the reading.
    endPts: undefined,
    filtered: {
      startPts: first === 0 ? undefined : filteredPts(plan, first),
      endPts: end === film.untrimmed.length ? undefined : filteredPts(plan, end),
    },
    seekPts,
    bytes: bytesOf(index, seekPts[0], last),
  }
}

function bytesOf(
  { positions }: FrameIndex,
  from: bigint | undefined,
  to: bigint | undefined,
): ByteRange | undefined {
  return positions === undefined ? undefined : neededBytes(positions, from, to)
}

/** The last source frame that is not later than a frame of the untrimmed film. */
function sourcePlace({ index, film, chain, zeroMicroseconds }: FilteredSource, place: number): number {
  if (chain.times !== 'changed') return place
  const time =
    rescale(film.untrimmed[place] ?? 0n, film.timing.source, index.timeBase) +
    rescale(zeroMicroseconds, MICROSECONDS, index.timeBase)
  return Math.max(0, lowerBound(index.pts, time + 1n) - 1)
}

/** A film frame's time as it leaves the filters. */
function filteredPts({ film }: FilteredSource, place: number): bigint {
  const { source, zeroMicroseconds } = film.timing
  const fromZero = (film.untrimmed[place] ?? 0n) - rescale(zeroMicroseconds, MICROSECONDS, source)
  return rescale(fromZero, source, film.filtered ?? source)
}
