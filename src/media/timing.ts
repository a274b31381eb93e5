/**
 * How a source's timestamps become the output's in a single ffmpeg run with `-fps_mode:v passthrough`: the zero point
 * that ffmpeg subtracts, the encoder's time base, and the rounding between the two.
 */
import type { Tool } from './ffmpeg/index.ts'
import type { FrameIndex } from './frame-index.ts'
import { readFrameTimes } from './frame-times.ts'
import type { Source, VideoStream } from './probe.ts'
import {
  divideRounded,
  equalRationals,
  invert,
  MICROSECONDS,
  type Rational,
  rescale,
  toSeconds,
} from './rational.ts'

export interface Timing {
  /** Time base of the source's video stream. */
  readonly source: Rational
  /** Time base of the encoder: one frame of a constant-rate source, otherwise the source's own. */
  readonly encoder: Rational
  /** What a single run subtracts from every source timestamp, in microseconds as ffmpeg holds it. */
  readonly zeroMicroseconds: bigint
  /** The user's `-ss`: the encoder's times count from there. */
  readonly startMicroseconds: bigint
}

/** The encoder's tick for a source tick. */
export function toEncoderPts(pts: bigint, timing: Timing): bigint {
  const shifted = pts - rescale(timing.zeroMicroseconds, MICROSECONDS, timing.source)
  return roundAsEncoder(shifted, timing)
}

/** The timestamps a single run gives these frames, in `target` ticks of the file it writes, before any common shift. */
export function toOutputTimes(pts: BigInt64Array, timing: Timing, target: Rational): BigInt64Array {
  return pts.map((time) => rescale(toEncoderPts(time, timing), timing.encoder, target))
}

/**
 * FFmpeg's rounding of a frame's pts to the encoder's time base (`adjust_frame_pts_to_encoder_tb`): first to a finer
 * grid of up to 16 more bits, then moved away from zero by 2^-17, then to the nearest integer.
 */
function roundAsEncoder(pts: bigint, { source, encoder, startMicroseconds }: Timing): bigint {
  const extraBits = BigInt(Math.min(16, Math.max(0, 29 - Math.floor(Math.log2(encoder.den)))))
  const toFine = (ticks: bigint, { num, den }: Rational) =>
    divideRounded(ticks * BigInt(num) * (BigInt(encoder.den) << extraBits), BigInt(den) * BigInt(encoder.num))
  const fine = toFine(pts, source) - toFine(startMicroseconds, MICROSECONDS)
  const scale = 17n
  const nudged = (fine << (scale - extraBits)) + (fine > 0n ? 1n : fine < 0n ? -1n : 0n)
  return divideRounded(nudged, 1n << scale)
}

export type Rates = Pick<VideoStream, 'timeBase' | 'realFrameRate' | 'averageFrameRate'>

/**
 * The encoder's time base: 1/rate when every frame stands on the grid of the source's real frame rate, otherwise the
 * source's own, since a grid would move or merge the frames of a variable-rate source.
 */
export function chooseEncoderTimeBase(video: Rates, { pts }: Pick<FrameIndex, 'pts'>): Rational {
  const rate = video.realFrameRate
  if (rate === undefined) return video.timeBase
  const steps = gridSteps(pts, video.timeBase, invert(rate))
  if (steps === 'off-grid') return video.timeBase
  const average = video.averageFrameRate
  const declaredConstant = average !== undefined && rate.num * average.den === average.num * rate.den
  return steps === 'every' || declaredConstant ? invert(rate) : video.timeBase
}

/**
 * The grid's points count from the zero point, or from `-ss`, and the frames' first may lie between two of them. Where it lies
 * half way, the rounding of a container's coarse times goes either way: such a film keeps its own time base.
 */
export function keepDistances(timing: Timing, pts: BigInt64Array): Timing {
  const { source, encoder } = timing
  const first = pts[0]
  if (first === undefined || equalRationals(source, encoder)) return timing
  const place = toEncoderPts(first, timing)
  const areKept = pts.every(
    (time) => toEncoderPts(time, timing) - place === rescale(time - first, source, encoder),
  )
  return areKept ? timing : { ...timing, encoder: source }
}

/** Whether the frames stand on a grid that starts at the first: on every point, on some, or beside it. */
function gridSteps(pts: BigInt64Array, timeBase: Rational, grid: Rational): 'every' | 'some' | 'off-grid' {
  const first = pts[0]
  if (first === undefined) return 'off-grid'
  let previous = -1n
  let every = true
  for (const time of pts) {
    const step = rescale(time - first, timeBase, grid)
    const beside = time - first - rescale(step, grid, timeBase)
    // A container's rounding (1 ms in Matroska) moves the first frame and this one by half a tick each.
    if (step <= previous || beside > 1n || beside < -1n) return 'off-grid'
    every &&= step === previous + 1n
    previous = step
  }
  return every ? 'every' : 'some'
}

/** FFmpeg's `-dts_delta_threshold`: a larger step in a transport or program stream is taken for a new clock. */
const CLOCK_STEP_SECONDS_MAX = 10

/**
 * The time in seconds at which the clock of a transport or program stream jumps or starts again: a single run corrects
 * such a source as it reads it, which a segment cannot. Undefined where it runs on.
 */
export function findClockJump(format: string, { pts, timeBase }: FrameIndex): number | undefined {
  if (format !== 'mpegts' && format !== 'mpeg') return undefined
  const place = pts.findIndex((time, at) => {
    const before = pts[at - 1]
    if (before === undefined) return false
    return time === before || toSeconds(time - before, timeBase) > CLOCK_STEP_SECONDS_MAX
  })
  return place < 0 ? undefined : toSeconds((pts[place] ?? 0n) - (pts[0] ?? 0n), timeBase)
}

/**
 * The zero point, a microsecond off where that is the same tick: ffmpeg takes an offset of exactly the container's start
 * for its own, and corrects it to the start of the streams in use (MPEG-TS), which is another one for the video alone.
 */
export function besideZero(zero: bigint, timeBase: Rational): bigint {
  const ticks = rescale(zero, MICROSECONDS, timeBase)
  const beside = [zero + 1n, zero - 1n].find((time) => rescale(time, MICROSECONDS, timeBase) === ticks)
  return beside ?? zero
}

/**
 * The zero point. Where the container alone does not decide it, it is measured: the first frame's time with `-copyts` less
 * its time without, both with all streams of the job in use, since the start of an unused stream does not count (MPEG-TS).
 */
export async function measureZero(
  ffmpeg: Tool,
  source: Source,
  options: { signal?: AbortSignal } = {},
): Promise<bigint> {
  // Elsewhere ffmpeg corrects the start to that of the streams in use (AVFMT_TS_DISCONT).
  if (STARTS_AS_PROBED.has(source.format) && source.startMicroseconds !== undefined) {
    return source.startMicroseconds
  }
  const [absolute, relative] = await Promise.all([
    firstFramePts(ffmpeg, source, ['-copyts'], options),
    firstFramePts(ffmpeg, source, [], options),
  ])
  // The way back to microseconds is exact: ffmpeg itself made these ticks from whole microseconds.
  return rescale(absolute - relative, source.video.timeBase, MICROSECONDS)
}

/** Demuxers whose whole file's start is what a single run subtracts, whichever streams it uses. */
const STARTS_AS_PROBED = new Set(['mov', 'matroska', 'avi'])

async function firstFramePts(
  ffmpeg: Tool,
  source: Source,
  inputOptions: string[],
  options: { signal?: AbortSignal },
): Promise<bigint> {
  let first: bigint | undefined
  const others = source.streams.filter(({ kind }) => kind !== 'video')
  const { timeBase } = source.video
  const pass = { inputOptions, outputOptions: ['-frames:v', '1'], others, timeBase }
  await readFrameTimes(ffmpeg, source, pass, (pts) => (first ??= pts), options)
  return first ?? 0n
}
