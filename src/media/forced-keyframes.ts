/** Which of a film's frames `-force_key_frames` makes keyframes. */
import type { Film } from './film.ts'
import type { ForcedKeyframes } from './params/index.ts'
import { divideRounded, type Rational } from './rational.ts'
import { toEncoderPts } from './timing.ts'

/**
 * Places of the forced frames, ascending, as ffmpeg finds them on its way through the film: the first frame not before
 * each time, and one time for each frame.
 */
export function forcedPlaces(film: Film, forced: ForcedKeyframes | undefined): readonly number[] {
  if (forced === undefined || forced.kind === 'source') return []
  const places: number[] = []
  for (const [place, pts] of film.pts.entries()) {
    const ticks = toEncoderPts(pts, film.timing)
    if (forced.kind === 'every') {
      if (isDue(ticks, film.timing.encoder, places.length, forced.microseconds)) places.push(place)
      continue
    }
    const next = forced.microseconds[places.length]
    if (next === undefined) break
    if (isAtOrBehind(ticks, film.timing.encoder, next)) places.push(place)
  }
  return places
}

/** The same for the segment `[from, to)` of the film alone. */
export function forcedInSegment(
  film: Film,
  forced: ForcedKeyframes | undefined,
  places: readonly number[],
  [from, to]: readonly [number, number],
): ForcedKeyframes | undefined {
  if (forced === undefined || forced.kind === 'source') return forced
  const { timing } = film
  const microseconds = places
    .filter((place) => place >= from && place < to)
    .map((place) => floorMicroseconds(toEncoderPts(film.pts[place] ?? 0n, timing), timing.encoder))
  return microseconds.length === 0 ? undefined : { kind: 'times', microseconds }
}

/** `gte(t, n_forced*S)` as FFmpeg has it, in floating point: 3 times 1.6 s is more than frame 120 of 25 a second. */
function isDue(ticks: bigint, { num, den }: Rational, forced: number, microseconds: bigint): boolean {
  return Number(ticks) * (num / den) >= forced * (Number(microseconds) / 1e6)
}

function isAtOrBehind(ticks: bigint, { num, den }: Rational, microseconds: bigint): boolean {
  return ticks * BigInt(num) * 1_000_000n >= microseconds * BigInt(den)
}

/** Never behind the frame, and nearer to it than to the one before. */
function floorMicroseconds(ticks: bigint, { num, den }: Rational): bigint {
  const dividend = ticks * BigInt(num) * 1_000_000n
  const rounded = divideRounded(dividend, BigInt(den))
  return rounded * BigInt(den) > dividend ? rounded - 1n : rounded
}
