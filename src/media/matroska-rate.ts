/**
 * The nominal frame rate of a Matroska track (DefaultDuration, RFC 9559 section 5.1.4.1.13), read and set in a finished
 * file. The join cannot say it: FFmpeg takes it from the segments, where a variable rate is that of the first alone.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'

interface Element {
  readonly id: number
  /** Offset of the whole in the file. */
  readonly at: number
  /** Offsets of its content, half-open. */
  readonly start: number
  readonly end: number
}

const SEGMENT = 0x18538067
const TRACKS = 0x1654ae6b
const TRACK_ENTRY = 0xae
const DEFAULT_DURATION = 0x23e383
const CRC_32 = 0xbf
const VOID = 0xec

/** FFmpeg writes the tracks first of all but for a seek head; fonts and covers come after them. */
const HEADER_BYTES_MAX = 1 << 20

/** Nanoseconds a frame of a track nominally lasts; undefined where the file does not say. */
export async function readDefaultDuration(path: string, track: number): Promise<bigint | undefined> {
  return await withHeader(path, 'r', async (header) => {
    const found = findDefaultDuration(header, track)?.duration
    return found === undefined ? undefined : toInteger(header.subarray(found.start, found.end))
  })
}

/**
 * Sets it where the file has a place for it: the value's own bytes, padded with zeros, and the checksum above it.
 *
 * @param nanoseconds undefined: takes it away
 */
export async function writeDefaultDuration(
  path: string,
  track: number,
  nanoseconds: bigint | undefined,
): Promise<void> {
  await withHeader(path, 'r+', async (header, file) => {
    const found = findDefaultDuration(header, track)
    if (found === undefined) return
    const { tracks, duration } = found
    if (nanoseconds === undefined) {
      makeVoid(header, duration)
    } else {
      const digits = nanoseconds.toString(16).padStart((duration.end - duration.start) * 2, '0')
      if (digits.length > (duration.end - duration.start) * 2) return
      header.write(digits, duration.start, 'hex')
    }
    const [checksum] = [...children(header, tracks)]
    if (checksum?.id === CRC_32) {
      header.writeUInt32LE(crc32(header.subarray(checksum.end, tracks.end)), checksum.start)
    }
    await file.write(header, tracks.start, tracks.end - tracks.start, tracks.start)
  })
}

/** An element that readers pass over (RFC 8794 section 11.3.2), of the same length. */
function makeVoid(header: Buffer, { at, end }: Element): void {
  const length = end - at
  header.fill(0, at, end)
  header[at] = VOID
  header[at + 1] = 0x80 | (length - 2)
}

async function withHeader<T>(
  path: string,
  flags: string,
  use: (header: Buffer, file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, flags)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES_MAX), 0, HEADER_BYTES_MAX, 0)
    return await use(buffer.subarray(0, bytesRead), file)
  } finally {
    await file.close()
  }
}

function findDefaultDuration(
  header: Buffer,
  track: number,
): { tracks: Element; duration: Element } | undefined {
  const file: Element = { id: 0, at: 0, start: 0, end: header.length }
  const segment = find(header, file, SEGMENT)
  const tracks = segment && find(header, segment, TRACKS)
  if (tracks === undefined || tracks.end > header.length) return undefined
  const entry = [...children(header, tracks)].filter(({ id }) => id === TRACK_ENTRY)[track]
  const duration = entry && find(header, entry, DEFAULT_DURATION)
  return duration && { tracks, duration }
}

function find(header: Buffer, parent: Element, id: number): Element | undefined {
  for (const child of children(header, parent)) if (child.id === id) return child
  return undefined
}

function* children(header: Buffer, { start, end }: Element): Generator<Element> {
  // The segment of a file over 1 MiB ends beyond what was read.
  const stop = Math.min(end, header.length)
  for (let at = start; at < stop; ) {
    const idLength = vintLength(header, at)
    const sizeAt = at + idLength
    const content = sizeAt + vintLength(header, sizeAt)
    if (content > stop) return
    const id = Number(toInteger(header.subarray(at, sizeAt)))
    const size = toInteger(header.subarray(sizeAt, content)) & ((1n << BigInt(7 * (content - sizeAt))) - 1n)
    const element = { id, at, start: content, end: content + Number(size) }
    yield element
    at = element.end
  }
}

/** Bytes of a variable-size integer: one more than the zero bits it begins with (RFC 8794 section 4). */
function vintLength(header: Buffer, at: number): number {
  return Math.clz32(header[at] ?? 0xff) - 23
}

function toInteger(bytes: Buffer): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`)
}
