/**
 * Copied sound behind `-ss` whose times are counted in long ticks: in AVI of whole packets. Up to FFmpeg 5 a run that only copies,
 * as a join does, takes `-ss` off to the output's tick, and one that encodes takes it off to the source's, unless the track's first
 * packet comes behind the first picture.
 */
import { join } from 'node:path'
import { fileAccess, run, type Tool } from './ffmpeg/index.ts'
import { packetReader } from './frame-times.ts'
import { type EncodeParams, trimArguments } from './params/index.ts'
import { fileUrl, type Source, type SourceStream } from './probe.ts'
import { formatMicroseconds, MICROSECONDS, type Rational, rescale } from './rational.ts'
import type { PlannedStream } from './stream-plan.ts'

/** By how many microseconds a run that encodes has each track later than one that copies; by index in the source. */
export type Lateness = ReadonlyMap<number, bigint>

/** @param libavcodec its major version */
export async function readLateness(
  ffmpeg: Tool,
  {
    source,
    params,
    streams,
    libavcodec,
  }: {
    source: Source
    params: EncodeParams
    streams: readonly PlannedStream[]
    libavcodec: number
  },
  scratchDir: string,
  options: { signal?: AbortSignal | undefined },
): Promise<Lateness> {
  const start = params.trim.startMicroseconds
  if (start === undefined || libavcodec >= 60) return NOBODY
  const tracks = streams.flatMap(({ action, source: track }) => {
    const late = start - toWholeTicks(start, track.timeBase)
    const matters = action === 'copy' && track.kind === 'audio' && magnitude(late) >= LEAST_MICROSECONDS
    return matters ? [{ track, late }] : []
  })
  if (tracks.length === 0) return NOBODY
  const starts = await firstTimes(
    ffmpeg,
    { source, params, tracks: tracks.map(({ track }) => track) },
    scratchDir,
    options,
  )
  return new Map(
    tracks.flatMap(({ track, late }, place): [number, bigint][] => {
      const first = starts.get(place)
      if (first === undefined) return []
      const beside = magnitude(first - toWholeTicks(first, track.timeBase))
      return beside * 2n < magnitude(late) ? [[track.index, late]] : []
    }),
  )
}

const NOBODY: Lateness = new Map()
/** A tick of Matroska, below which containers themselves round. */
const LEAST_MICROSECONDS = 1_000n

/** Microseconds of each track's first packet, by place; none for one that begins later than the first picture by far. */
async function firstTimes(
  ffmpeg: Tool,
  { source, params, tracks }: { source: Source; params: EncodeParams; tracks: readonly SourceStream[] },
  scratchDir: string,
  options: { signal?: AbortSignal | undefined },
): Promise<Map<number, bigint>> {
  const path = join(scratchDir, 'coarse-sound.mkv')
  const { text } = params.filters
  await run(
    ffmpeg,
    [
      ...['-v', 'error', '-nostdin', '-y', '-f', source.format, '-i', fileUrl(source.path)],
      ...[source.video, ...tracks].flatMap(({ index }) => ['-map', `0:${index}`]),
      ...(text === '' ? [] : ['-filter:v', text]),
      ...['-c:v', 'ffv1', '-c:a', 'copy'],
      ...trimArguments({ ...params.trim, durationMicroseconds: BEGINNING }),
      ...['-f', 'matroska', fileUrl(path)],
    ],
    { ...options, access: fileAccess([source], [path]) },
  )
  const starts = new Map<number, bigint>()
  await run(
    ffmpeg,
    [
      ...['-v', 'error', '-nostdin', '-copyts', '-f', 'matroska', '-i', fileUrl(path)],
      ...['-map', '0:a', '-c', 'copy', '-f', 'framecrc', 'pipe:1'],
    ],
    {
      ...options,
      access: fileAccess([{ path }]),
      onLine: packetReader(({ stream, pts }, timeBase) => {
        if (!starts.has(stream)) starts.set(stream, rescale(pts, timeBase, MICROSECONDS))
      }),
    },
  )
  return starts
}

const BEGINNING = 1_000_000n

/** The same time in whole ticks, in microseconds. */
function toWholeTicks(microseconds: bigint, tick: Rational): bigint {
  return rescale(rescale(microseconds, MICROSECONDS, tick), tick, MICROSECONDS)
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value
}

/** `setts`, in ticks of the container, of which FFmpeg 5 does not tell its filters. */
export function laterBy(microseconds: bigint, demuxer: 'mov' | 'matroska' | 'mpegts'): string {
  const ticks = `round(${formatMicroseconds(microseconds)}*${TICKS_A_SECOND[demuxer]})`
  return `setts=pts=PTS+${ticks}:dts=DTS+${ticks}`
}

const TICKS_A_SECOND = { mov: 'SR', matroska: '1000', mpegts: '90000' } as const
