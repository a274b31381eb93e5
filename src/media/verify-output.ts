/** The last check before a joined file takes its name: every timestamp and every stream is where it was planned. */
import { z } from 'zod'
import { MediaError } from './failure.ts'
import { run, type Tool } from './ffmpeg/index.ts'
import type { OutputFormat } from './output-format.ts'
import { equalRationals, formatRational, parseRational, type Rational, rescale } from './rational.ts'
import type { StreamPlan } from './stream-plan.ts'
import { readVideoTimes } from './verify.ts'

export interface ExpectedOutput {
  readonly format: OutputFormat
  readonly plan: StreamPlan
  readonly timeBase: Rational
  /** The frames' times in `timeBase`, as a single run gives them. */
  readonly times: BigInt64Array
}

export interface VerifiedOutput {
  readonly frames: number
  /** Ticks by which the muxer moved the video: so that no stream starts below zero (Matroska), or rounding (mp4). */
  readonly shiftTicks: bigint
}

/** @throws MediaError OUTPUT_FRAMES or OUTPUT_STREAMS. */
export async function verifyOutput(
  ffprobe: Tool,
  path: string,
  expected: ExpectedOutput,
  options: { signal?: AbortSignal } = {},
): Promise<VerifiedOutput> {
  const [streams, times] = await Promise.all([
    readStreams(ffprobe, path, expected.format, options),
    readVideoTimes(ffprobe, path, expected.format.demuxer, options),
  ])
  checkStreams(streams, expected)
  return { frames: times.length, shiftTicks: checkTimes(times, expected, streams) }
}

/** Compares the lists, allowing the one common shift that the container's own way to hold a start can make. */
function checkTimes(times: BigInt64Array, expected: ExpectedOutput, streams: OutputStream[]): bigint {
  const wanted = expected.times
  if (times.length !== wanted.length) {
    throw new MediaError({
      code: 'OUTPUT_FRAMES',
      expected: wanted.length,
      actual: times.length,
      at: undefined,
    })
  }
  const shift = (times[0] ?? 0n) - (wanted[0] ?? 0n)
  const differs = times.findIndex((time, place) => time - (wanted[place] ?? 0n) !== shift)
  const at = differs >= 0 ? differs : shift !== 0n && !mayShift() ? 0 : undefined
  if (at !== undefined) {
    throw new MediaError({ code: 'OUTPUT_FRAMES', expected: wanted.length, actual: times.length, at })
  }
  return shift

  function mayShift(): boolean {
    if (expected.format.demuxer === 'matroska') {
      // No time can be below zero: all streams move until the earliest is at zero, or below by its codec's delay (Opus).
      return shift > 0n && streams.some(({ start_pts: start }) => start !== undefined && start <= 0)
    }
    // An edit list says where a track starts, in the film's time scale of 1/1000.
    const rounding = rescale(1n, EDIT_LIST_TIME_BASE, expected.timeBase)
    return shift <= rounding && shift >= -rounding
  }
}

const EDIT_LIST_TIME_BASE: Rational = { num: 1, den: 1_000 }

function checkStreams(streams: OutputStream[], { plan, timeBase }: ExpectedOutput): void {
  const fail = (detail: string): never => {
    throw new MediaError({ code: 'OUTPUT_STREAMS', detail })
  }
  // A chapter track of mp4 shows up as one more data stream.
  if (streams.length < plan.streams.length) {
    fail(`${streams.length} streams instead of ${plan.streams.length}`)
  }
  for (const [place, { source }] of plan.streams.entries()) {
    const kind = streams[place]?.codec_type
    if (kind !== source.kind) fail(`stream ${place} is ${kind ?? 'unknown'} instead of ${source.kind}`)
  }
  const video = streams[plan.streams.findIndex(({ action }) => action === 'segments')]
  const actual = parseRational(video?.time_base ?? '')
  if (actual === undefined || !equalRationals(actual, timeBase)) {
    fail(`the video's time base is ${video?.time_base} instead of ${formatRational(timeBase)}`)
  }
}

const outputStreams = z.object({
  streams: z.array(
    z.object({
      codec_type: z.string().optional(),
      time_base: z.string(),
      start_pts: z.number().optional(),
    }),
  ),
})
type OutputStream = z.infer<typeof outputStreams>['streams'][number]

async function readStreams(
  ffprobe: Tool,
  path: string,
  format: OutputFormat,
  options: { signal?: AbortSignal },
): Promise<OutputStream[]> {
  const lines: string[] = []
  await run(
    ffprobe,
    [
      ...['-v', 'error', '-f', format.demuxer, '-of', 'json'],
      ...['-show_entries', 'stream=codec_type,time_base,start_pts', `file:${path}`],
    ],
    { ...options, onLine: (line) => void lines.push(line) },
  )
  return outputStreams.parse(JSON.parse(lines.join('\n'))).streams
}
