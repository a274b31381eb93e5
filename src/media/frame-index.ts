/**
 * The presentation times of a source's frames, and which of its packets are keyframes. Packets are read without
 * decoding (some GB/s); a source whose packets do not tell its frames is decoded once to learn them.
 */
import { createHash } from 'node:crypto'
import { AscendingTimes, lowerBound } from './ascending-times.ts'
import { fileAccess, run, type Tool } from './ffmpeg/index.ts'
import { readFrameTimes } from './frame-times.ts'
import { type PacketPositions, PositionSampler } from './packet-positions.ts'
import { fileUrl, type Source } from './probe.ts'
import type { Rational } from './rational.ts'

/** Frame times of one video stream, in ticks of its time base. */
export interface FrameIndex {
  readonly timeBase: Rational
  /** One for each frame, ascending. */
  readonly pts: BigInt64Array
  /** Presentation times of keyframe packets, ascending: places a decoder can start. */
  readonly keyframes: BigInt64Array
  /** For each keyframe, whether a later packet is shown before it (leading pictures of an open GOP). */
  readonly openGops: readonly boolean[]
  /** Undefined where the demuxer does not tell. */
  readonly positions: PacketPositions | undefined
  /** `decoded`: each frame was seen; `packets`: believed until a segment says otherwise. */
  readonly evidence: 'packets' | 'decoded'
  /** False where a seek cannot be aimed by a frame's time (AVI, raw streams): decoding starts at the start then. */
  readonly seekable: boolean
}

interface Options {
  signal?: AbortSignal
}

/** An index that is being read. */
export interface IndexReading {
  readonly whole: Promise<FrameIndex>
  /**
   * The frames from the film's start up to a keyframe, itself the last: as far as the file has been read, and as far as its packets
   * tell frames at all. Later packets can belie it.
   */
  head(): FrameIndex | undefined
}

/** Reads the index from the packets alone; decodes where those cannot tell the frames. */
export async function readFrameIndex(
  tools: { ffmpeg: Tool; ffprobe: Tool },
  source: Source,
  options: Options = {},
): Promise<FrameIndex> {
  return await openFrameIndex(tools, source, options).whole
}

/** The same, with a look at what there is already. */
export function openFrameIndex(
  tools: { ffmpeg: Tool; ffprobe: Tool },
  source: Source,
  options: Options = {},
): IndexReading {
  const packets = new PacketReader()
  const whole = readWhole(tools, source, packets, options)
  whole.catch(() => {})
  return { whole, head: () => headOf(source, packets) }
}

async function readWhole(
  tools: { ffmpeg: Tool; ffprobe: Tool },
  source: Source,
  packets: PacketReader,
  options: Options,
): Promise<FrameIndex> {
  await readPackets(tools.ffprobe, source, packets, options)
  const index: FrameIndex = {
    timeBase: source.video.timeBase,
    pts: packets.pts.toArray(),
    keyframes: packets.keyframes.toArray(),
    openGops: packets.openGops(),
    positions: packets.positions.toPositions(),
    evidence: 'packets',
    seekable: packets.withoutPts === 0 && SEEKABLE_FORMATS.has(source.format),
  }
  const believable = packets.withoutPts === 0 && !packets.repeats() && index.pts.length > 0
  return believable ? index : await decodeFrameIndex(tools.ffmpeg, source, index, options)
}

function headOf(source: Source, packets: PacketReader): FrameIndex | undefined {
  const { settled, withoutPts } = packets
  if (settled === undefined || withoutPts > 0 || !SEEKABLE_FORMATS.has(source.format)) return undefined
  const times = packets.pts.toArray()
  const pts = times.slice(0, lowerBound(times, settled) + 1)
  if (pts.some((time, at) => time === pts[at - 1])) return undefined
  const all = packets.keyframes.toArray()
  const keyframes = all.slice(0, lowerBound(all, settled) + 1)
  return {
    ...{ timeBase: source.video.timeBase, pts, keyframes },
    openGops: packets.openGops().slice(0, keyframes.length),
    positions: packets.positions.toPositions(),
    ...{ evidence: 'packets', seekable: true },
  }
}

// Those whose seeks by time were seen to give the frames of a full decode. AVI's index counts frames instead of timing
// them, an MPEG program stream has none, and raw streams are counted from wherever reading starts (wrong pictures at the
// right times in raw Dirac).
const SEEKABLE_FORMATS = new Set([
  ...['mov', 'matroska', 'mpegts', 'flv', 'asf', 'ogg', 'mxf', 'nut', 'dv', 'rm', 'wtv'],
])

/** The index with its frame times replaced by those of a full decode: slow, and the last word. */
export async function decodeFrameIndex(
  ffmpeg: Tool,
  source: Source,
  index: FrameIndex,
  options: Options = {},
): Promise<FrameIndex> {
  const pts = new AscendingTimes()
  const pass = { inputOptions: ['-copyts'], timeBase: source.video.timeBase }
  await readFrameTimes(ffmpeg, source, pass, (time) => pts.insert(time), options)
  const times = pts.toArray()
  // Frames at times that no packet has (H.264 with B-frames in some MXF files): a seek aims at packets.
  const aimed = times.every((time) => index.pts[lowerBound(index.pts, time)] === time)
  return { ...index, pts: times, evidence: 'decoded', seekable: index.seekable && aimed }
}

/** sha256 over the times as little-endian 64-bit integers: one short value that two machines can compare. */
export function ptsDigest(pts: BigInt64Array): string {
  return createHash('sha256')
    .update(new Uint8Array(pts.buffer, pts.byteOffset, pts.byteLength))
    .digest('hex')
}

async function readPackets(
  ffprobe: Tool,
  source: Source,
  packets: PacketReader,
  options: Options,
): Promise<void> {
  await run(
    ffprobe,
    [
      ...['-v', 'error', '-f', source.format, '-select_streams', `${source.video.index}`],
      ...['-show_entries', 'packet=pts,pos,flags', '-of', 'csv=p=0', fileUrl(source.path)],
    ],
    // Of a large file it takes minutes, in which others have something to do.
    { ...options, access: fileAccess([source]), background: true, onLine: (line) => packets.read(line) },
  )
}

/** Takes ffprobe's packet lines in file order. */
class PacketReader {
  readonly pts = new AscendingTimes()
  readonly keyframes = new AscendingTimes()
  readonly positions = new PositionSampler()
  withoutPts = 0
  readonly #open = new Set<bigint>()
  #lastKeyframe: bigint | undefined
  /** A keyframe after which another one came: all that is shown before it has been read. */
  settled: bigint | undefined

  read(line: string): void {
    const [time, position, flags] = line.split(',')
    if (time === undefined || flags === undefined) return
    if (!/^-?\d+$/.test(time)) {
      this.withoutPts++
      return
    }
    const pts = BigInt(time)
    this.positions.read(pts, position, flags.includes('K'))
    if (flags.includes('K')) {
      this.keyframes.insert(pts)
      this.settled = this.#lastKeyframe
      this.#lastKeyframe = pts
    } else if (this.#lastKeyframe !== undefined && pts < this.#lastKeyframe) {
      this.#open.add(this.#lastKeyframe)
    }
    // D: outside the edit list, decoded but never shown.
    if (!flags.includes('D')) this.pts.insert(pts)
  }

  openGops(): boolean[] {
    return Array.from(this.keyframes.toArray(), (pts) => this.#open.has(pts))
  }

  repeats(): boolean {
    const times = this.pts.toArray()
    return times.some((pts, position) => position > 0 && times[position - 1] === pts)
  }
}
