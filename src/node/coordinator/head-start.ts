/**
 * A film's index can take minutes to read, and its beginning is enough to begin with: the job starts on what is there, and goes on
 * with the rest where that bears out what the beginning said.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type EncodeParams,
  equalRationals,
  type FrameIndex,
  type IndexReading,
  needsComparison,
  type Source,
  toSeconds,
} from '../../media/index.ts'
import type { Job } from './job.ts'

/** An index that takes no longer than this is waited for, in a file that may be read so soon. */
const PATIENCE_MS = 200
const SOON_READ_BYTES = 256 * 2 ** 20
/** The least that is worth beginning with, in seconds of the film. */
const HEAD_SECONDS_MIN = 10
const LOOK_AGAIN_MS = 250
/** Where not even that beginning has been read. */
const WAIT_MS = 25

/** Whether nothing that is found out about the rest could change what is done with the beginning, but for frames that stand elsewhere. */
export function mayStartEarly(
  source: Source,
  { filters, sync, forcedKeyframes, trim }: EncodeParams,
  x264Build: number | undefined,
): boolean {
  const isWhole = trim.startMicroseconds === undefined && trim.durationMicroseconds === undefined
  const isPlain = filters.times === 'kept' && filters.history === 0 && sync === undefined
  // Clocks of these can start again in mid-film, which is refused before any work.
  const mayJump = source.format === 'mpegts' || source.format === 'mpeg'
  const isTrusted = !needsComparison(source.video.codec, x264Build)
  const isLong = (source.durationSeconds ?? 0) > HEAD_SECONDS_MIN
  return isWhole && isPlain && forcedKeyframes === undefined && !mayJump && isTrusted && isLong
}

/** A while from now on, or until all is read. */
export async function patienceFor(
  { whole }: IndexReading,
  { sizeBytes }: Pick<Source, 'sizeBytes'>,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  if (sizeBytes > SOON_READ_BYTES) return
  await Promise.race([whole, sleep(PATIENCE_MS, undefined, { signal })]).catch(() => {})
}

/** The index, or after a short while its beginning. */
export async function firstIndex(
  reading: IndexReading,
  patience: Promise<void>,
  { signal }: { signal: AbortSignal },
): Promise<{ index: FrameIndex; isWhole: boolean }> {
  const whole = reading.whole.then((index) => ({ index, isWhole: true }))
  whole.catch(() => {})
  for (let waiting = patience; ; waiting = sleep(WAIT_MS, undefined, { signal })) {
    // All of it rather than its beginning, where both are there.
    const found = await Promise.race([whole, waiting.then(() => Promise.race([whole, undefined]))])
    if (found !== undefined) return found
    const index = reading.head()
    if (index !== undefined && secondsOf(index) >= HEAD_SECONDS_MIN) return { index, isWhole: false }
  }
}

/** About how many frames the film has. */
export function expectedFrames({ source, film, rest }: Job): number {
  const known = film.pts.length
  if (rest === undefined) return known
  const seconds = toSeconds((film.pts.at(-1) ?? 0n) - (film.pts[0] ?? 0n), film.timing.source)
  return Math.max(known, Math.round(((source.durationSeconds ?? 0) * known) / Math.max(seconds, 0.1)))
}

/** Tells of each longer beginning until all is read. @throws whatever the reading ends with */
export async function followIndex(
  { rest, index }: Job,
  onHead: (index: FrameIndex) => void,
  { signal }: { signal: AbortSignal },
): Promise<FrameIndex> {
  if (rest === undefined) return index
  const whole = rest.whole
  // Each look costs as much as all before it together.
  for (let wait = LOOK_AGAIN_MS; ; wait *= 2) {
    const found = await Promise.race([whole, sleep(wait, undefined, { signal })])
    if (found !== undefined) return found
    const head = rest.head()
    if (head !== undefined) onHead(head)
  }
}

/** Whether the film goes on as it began: each frame of the beginning at its place, timed in the same way. */
export function goesOn(begun: Job, { film, index }: Job): boolean {
  const { pts, timing } = begun.film
  return (
    index.evidence === 'packets' &&
    equalRationals(timing.encoder, film.timing.encoder) &&
    pts.length <= film.pts.length &&
    pts.every((time, at) => time === film.pts[at])
  )
}

/** The rest of the film belied its beginning: the job starts again with all that is known. */
export class HeadInDoubt extends Error {
  override readonly name = 'HeadInDoubt'
}

function secondsOf({ pts, timeBase }: FrameIndex): number {
  return toSeconds((pts.at(-1) ?? 0n) - (pts[0] ?? 0n), timeBase)
}
