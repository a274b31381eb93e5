/** The command line that encodes one segment: pure, so that what is exact about it can be read and tested. */
import { formatMicroseconds, formatRational, MICROSECONDS, rescale } from '../rational.ts'
import { SEGMENT_SHIFT_SECONDS, type SegmentTask, segmentTimeScale } from './task.ts'

export interface SegmentFiles {
  /** A `file:` URL or the loopback URL of a blob. */
  readonly inputUrl: string
  readonly inputOptions?: readonly string[]
  readonly outputPath: string
}

/**
 * @param seekPts where decoding starts; `undefined`: at the file's start
 */
export function segmentArguments(
  task: SegmentTask,
  seekPts: bigint | undefined,
  files: SegmentFiles,
): string[] {
  return [
    ...['-v', 'error', '-nostdin', '-y', '-nostats', '-progress', 'pipe:1', '-stats_period', '0.5'],
    ...inputArguments(task, seekPts, files),
    ...['-map', `0:${task.stream}`, '-map_metadata', '-1', '-map_chapters', '-1'],
    ...withFilter(task.video, trimFilter(task)),
    ...['-fps_mode:v', 'passthrough', '-enc_time_base:v', formatRational(task.encoderTimeBase)],
    ...['-output_ts_offset', `${SEGMENT_SHIFT_SECONDS}`],
    // One time scale for the track and its edit list: the shift is then exact for every time base.
    ...['-video_track_timescale', `${segmentTimeScale(task.encoderTimeBase)}`],
    ...['-movie_timescale', `${segmentTimeScale(task.encoderTimeBase)}`],
    ...['-f', task.container, `file:${files.outputPath}`],
  ]
}

/**
 * `-copyts -itsoffset` does what ffmpeg does by itself to a whole file, with the same rounding, and leaves the frame
 * rate known to the encoder (a `setpts` filter hides it from FFmpeg 7, and x264 then writes level 6.2).
 */
function inputArguments(task: SegmentTask, seekPts: bigint | undefined, files: SegmentFiles): string[] {
  const seek =
    seekPts === undefined
      ? []
      : [
          ...['-noaccurate_seek', '-seek_timestamp', '1'],
          ...['-ss', formatMicroseconds(rescale(seekPts, task.timeBase, MICROSECONDS))],
        ]
  return [
    ...['-copyts', '-itsoffset', formatMicroseconds(-besideZero(task)), ...seek],
    ...(files.inputOptions ?? []),
    ...['-f', task.format, '-i', files.inputUrl],
  ]
}

/**
 * The zero point, a microsecond off where that is the same tick: ffmpeg takes an offset of exactly the container's start
 * for its own, and corrects it to the start of the streams in use (MPEG-TS), which here is the video alone.
 */
function besideZero({ zeroMicroseconds: zero, timeBase }: SegmentTask): bigint {
  const ticks = rescale(zero, MICROSECONDS, timeBase)
  const beside = [zero + 1n, zero - 1n].find((time) => rescale(time, MICROSECONDS, timeBase) === ticks)
  return beside ?? zero
}

/** The exact cut, in ticks after the zero point has been subtracted. */
function trimFilter(task: SegmentTask): string | undefined {
  const zero = rescale(task.zeroMicroseconds, MICROSECONDS, task.timeBase)
  const bounds = [
    ...(task.startPts === undefined ? [] : [`start_pts=${task.startPts - zero}`]),
    ...(task.endPts === undefined ? [] : [`end_pts=${task.endPts - zero}`]),
  ]
  return bounds.length === 0 ? undefined : `trim=${bounds.join(':')}`
}

/** Puts the cut before the user's own filters. */
function withFilter(video: readonly string[], trim: string | undefined): string[] {
  if (trim === undefined) return [...video]
  const args = [...video]
  const at = args.findLastIndex((word) => /^-(vf|filter(:v.*)?)$/.test(word))
  if (at < 0) return ['-filter:v', trim, ...args]
  args[at + 1] = `${trim},${args[at + 1]}`
  return args
}
