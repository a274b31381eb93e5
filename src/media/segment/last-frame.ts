/**
 * What the last frame of a segment lasts, from the segment's own sample table (ISO/IEC 14496-12, 8.6.1). FFmpeg's demuxer
 * does not tell it: the edit list moves the last packet past the track's length, and it is then given no duration.
 */
import { child, readSampleTable } from './movie-box.ts'

export interface LastFrame {
  /** In ticks of the segment's time scale. */
  readonly duration: number
  /** How many packets come after the one that is shown last. */
  readonly packetsAfter: number
}

/** @returns undefined where the file has no such table */
export async function readLastFrame(path: string): Promise<LastFrame | undefined> {
  const table = await readSampleTable(path)
  return table && lastFrame(table)
}

function lastFrame(table: Buffer): LastFrame | undefined {
  const durations = entries(child(table, 'stts'))
  const duration = durations.at(-1)?.value
  const packets = durations.reduce((sum, { count }) => sum + count, 0)
  if (duration === undefined || packets > PACKETS_MAX) return undefined
  const delays = entries(child(table, 'ctts'))
  return { duration, packetsAfter: packetsAfterLatest(durations, delays) }
}

/** More than an hour at 1000 frames a second: a table that says so, of another machine's file, is not walked through. */
const PACKETS_MAX = 4_000_000

/** Run lengths of a value, as both tables hold them. */
interface Entry {
  readonly count: number
  readonly value: number
}

function packetsAfterLatest(durations: readonly Entry[], delays: readonly Entry[]): number {
  const delay = each(delays)
  let dts = 0
  let latest = Number.NEGATIVE_INFINITY
  let packetsAfter = 0
  for (const duration of each(durations)) {
    const pts = dts + (delay.next().value ?? 0)
    packetsAfter = pts > latest ? 0 : packetsAfter + 1
    latest = Math.max(latest, pts)
    dts += duration
  }
  return packetsAfter
}

function* each(entries: readonly Entry[]): Generator<number, undefined> {
  for (const { count, value } of entries) for (let n = 0; n < count; n++) yield value
}

function entries(box: Buffer | undefined): Entry[] {
  if (box === undefined) return []
  const length = Math.min(box.readUInt32BE(4), Math.floor((box.length - 8) / 8))
  return Array.from({ length }, (_, place) => ({
    count: box.readUInt32BE(8 + place * 8),
    value: box.readInt32BE(12 + place * 8),
  }))
}
