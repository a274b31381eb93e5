/** What FFmpeg's framecrc and framehash muxers say of each frame, and a pass over a source that asks for no more than times. */
import { fileAccess, type RunOptions, run, type Tool } from './ffmpeg/index.ts'
import { fileUrl, type Source, type SourceStream } from './probe.ts'
import { formatRational, parseRational, type Rational } from './rational.ts'

export interface FrameLine {
  /** Its place in the output. */
  readonly stream: number
  /** In ticks that {@link parseTimeBaseLine} tells. */
  readonly pts: bigint
  readonly duration: bigint
  readonly sizeBytes: number
  readonly checksum: string
}

/** Reads `stream, dts, pts, duration, size, checksum`; undefined for the lines of the header. */
export function parseFrameLine(line: string): FrameLine | undefined {
  if (line.startsWith('#')) return undefined
  const [stream, , pts, duration = '0', size, checksum] = line.split(',')
  if (pts === undefined || checksum === undefined) return undefined
  return {
    stream: Number(stream),
    pts: BigInt(pts.trim()),
    duration: BigInt(duration.trim()),
    sizeBytes: Number(size),
    checksum: checksum.trim(),
  }
}

/** Reads `#tb 0: 1/25` of the header. */
export function parseTimeBaseLine(line: string): { stream: number; timeBase: Rational } | undefined {
  const [, stream, text = ''] = /^#tb (\d+): (\S+)/.exec(line) ?? []
  const timeBase = parseRational(text)
  return timeBase && { stream: Number(stream), timeBase }
}

/** A reader of framecrc's lines, that tells each packet with the time base of its stream. */
export function packetReader(
  onPacket: (packet: FrameLine, timeBase: Rational) => void,
): (line: string) => void {
  const timeBases = new Map<number, Rational>()
  return (line) => {
    const declared = parseTimeBaseLine(line)
    if (declared !== undefined) timeBases.set(declared.stream, declared.timeBase)
    const packet = parseFrameLine(line)
    const timeBase = packet && timeBases.get(packet.stream)
    if (packet !== undefined && timeBase !== undefined) onPacket(packet, timeBase)
  }
}

export interface Pass {
  readonly inputOptions: readonly string[]
  readonly outputOptions?: readonly string[]
  /** Streams that have a part in the zero point beside the video. */
  readonly others?: readonly SourceStream[]
  /** Of the times that are wanted. */
  readonly timeBase: Rational
}

/** Decodes the source's video and tells each frame's time as it comes out of the decoder or the filters. */
export async function readFrameTimes(
  ffmpeg: Tool,
  source: Source,
  { inputOptions, outputOptions = [], others = [], timeBase }: Pass,
  onTime: (pts: bigint) => void,
  options: Pick<RunOptions, 'signal'>,
): Promise<void> {
  await run(
    ffmpeg,
    [
      ...['-v', 'error', '-nostdin', ...inputOptions, '-f', source.format, '-i', fileUrl(source.path)],
      ...['-map', `0:${source.video.index}`, ...outputOptions, '-c:v', 'wrapped_avframe'],
      ...['-fps_mode:v', 'passthrough', '-enc_time_base:v', formatRational(timeBase)],
      ...['-f', 'framecrc', 'pipe:1', ...alsoInUse(others)],
    ],
    {
      ...options,
      access: fileAccess([source]),
      onLine(line) {
        const frame = parseFrameLine(line)
        if (frame !== undefined) onTime(frame.pts)
      },
    },
  )
}

/** A second output that writes nothing: only the streams that some output uses count towards the zero point (MPEG-TS). */
export function alsoInUse(streams: readonly SourceStream[], inputs: readonly number[] = [0]): string[] {
  const timed = streams.filter(({ kind }) => kind !== 'attachment')
  if (timed.length === 0) return []
  const maps = inputs.flatMap((input) => timed.flatMap(({ index }) => ['-map', `${input}:${index}`]))
  return [...maps, '-c', 'copy', '-t', '0', '-f', 'null', '-']
}
