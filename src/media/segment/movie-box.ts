/** The sample tables of a movie (ISO/IEC 14496-12): what FFmpeg's demuxer knows and does not tell. */
import { type FileHandle, open } from 'node:fs/promises'

/** @returns the content of its `stbl` box; undefined where the file has none */
export async function readSampleTable(path: string): Promise<Buffer | undefined> {
  const file = await open(path)
  try {
    return within(await readMovie(file), ['trak', 'mdia', 'minf', 'stbl'])
  } finally {
    await file.close()
  }
}

/** @returns how many kinds of samples the tracks of a file have, the most of any; undefined where that cannot be told */
export async function countSampleKinds(path: string): Promise<number | undefined> {
  const file = await open(path)
  try {
    const movie = await readMovie(file)
    const counts = children(movie ?? Buffer.alloc(0), 'trak').map((track) => {
      const table = within(track, ['mdia', 'minf', 'stbl', 'stsd'])
      return table !== undefined && table.length >= 8 ? table.readUInt32BE(4) : Number.NaN
    })
    const most = Math.max(...counts)
    return Number.isFinite(most) ? most : undefined
  } finally {
    await file.close()
  }
}

// Some 20 bytes a frame: no segment is long enough for more.
const MOVIE_BYTES_MAX = 64 * 1024 * 1024

/** Finds the box among those at the top of the file, which ffmpeg puts behind the pictures. */
async function readMovie(file: FileHandle): Promise<Buffer | undefined> {
  const header = Buffer.alloc(16)
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(header, 0, 16, at)
    if (bytesRead < 8) return undefined
    const short = header.readUInt32BE(0)
    const size = short === 1 ? Number(header.readBigUInt64BE(8)) : short
    if (size < 8 || size > Number.MAX_SAFE_INTEGER) return undefined
    if (header.toString('latin1', 4, 8) === 'moov') {
      if (size > MOVIE_BYTES_MAX) return undefined
      const { buffer } = await file.read(Buffer.alloc(size), 0, size, at)
      return buffer.subarray(8)
    }
    at += size
  }
}

function within(box: Buffer | undefined, names: readonly string[]): Buffer | undefined {
  return names.reduce<Buffer | undefined>((outer, name) => outer && child(outer, name), box)
}

/** The content of the first box of that name. */
export function child(parent: Buffer, name: string): Buffer | undefined {
  return children(parent, name)[0]
}

function children(parent: Buffer, name: string): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at + 8 <= parent.length; ) {
    const size = parent.readUInt32BE(at)
    if (size < 8) break
    if (parent.toString('latin1', at + 4, at + 8) === name) found.push(parent.subarray(at + 8, at + size))
    at += size
  }
  return found
}
