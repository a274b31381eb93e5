/**
 * What the last frame of a segment lasts, from the segment's own sample table (ISO/IEC 14496-12, 8.6.1). FFmpeg's demuxer
 * does not tell it: the edit list moves the last packet past the track's length, and it is then given no duration.
 */
import { type FileHandle, open } from 'node:fs/promises'

export interface LastFrame {
  /** In ticks of the segment's time scale. */
  readonly duration: number
  /** How many packets come after the one that is shown last. */
  readonly packetsAfter: number
}

/** @returns undefined where the file has no such table */
export async function readLastFrame(path: string): Promise<LastFrame | undefined> {
  const file = await open(path)
  try {
    const movie = await readMovie(file)
    return movie && lastFrame(movie)
  } finally {
    await file.close()
  }
}

/** Finds the box among those at the top of the file, which ffmpeg puts behind the pictures. */
async function readMovie(file: FileHandle): Promise<Buffer | undefined> {
  const header = Buffer.alloc(16)
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(header, 0, 16, at)
    if (bytesRead < 8) return undefined
    const short = header.readUInt32BE(0)
    const size = short === 1 ? Number(header.readBigUInt64BE(8)) : short
    if (size < 8) return undefined
    if (header.toString('latin1', 4, 8) === 'moov') {
      const { buffer } = await file.read(Buffer.alloc(size), 0, size, at)
      return buffer.subarray(8)
    }
    at += size
  }
}

function lastFrame(movie: Buffer): LastFrame | undefined {
  const table = ['trak', 'mdia', 'minf', 'stbl'].reduce<Buffer | undefined>(
    (box, name) => box && child(box, name),
    movie,
  )
  const durations = table && entries(child(table, 'stts'))
  const duration = durations?.at(-1)?.value
  if (table === undefined || durations === undefined || duration === undefined) return undefined
  const delays = entries(child(table, 'ctts'))
  return { duration, packetsAfter: packetsAfterLatest(durations, delays) }
}

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
  return Array.from({ length: box.readUInt32BE(4) }, (_, place) => ({
    count: box.readUInt32BE(8 + place * 8),
    value: box.readInt32BE(12 + place * 8),
  }))
}

function child(parent: Buffer, name: string): Buffer | undefined {
  for (let at = 0; at + 8 <= parent.length; ) {
    const size = parent.readUInt32BE(at)
    if (size < 8) return undefined
    if (parent.toString('latin1', at + 4, at + 8) === name) return parent.subarray(at + 8, at + size)
    at += size
  }
  return undefined
}
