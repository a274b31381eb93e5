/** The command line that encodes one segment: pure, so that what is exact about it can be read and tested. */
import { type Access, fileAccess } from '../ffmpeg/index.ts'
import { formatMicroseconds, formatRational, MICROSECONDS, rescale } from '../rational.ts'
import { besideZero } from '../timing.ts'
import { IN_BAND_FILTER } from './in-band.ts'
import { retimeFilters } from './retime.ts'
import {
  SEGMENT_SHIFT_SECONDS,
  type SegmentInput,
  type SegmentRange,
  type SegmentTask,
  segmentTimeScale,
} from './task.ts'

/** What ffmpeg has to do with while it works on a segment. */
export function accessTo({ inputUrl, inputFd }: Pick<SegmentFiles, 'inputUrl' | 'inputFd'>): Access {
  if (!inputUrl.startsWith('file:')) return { reads: [] }
  return fileAccess([{ path: inputUrl.slice('file:'.length), fd: inputFd }])
}

export interface SegmentFiles {
  /** A `file:` URL or the loopback URL of a blob. */
  readonly inputUrl: string
  /** As of {@link Source.fd}. */
  readonly inputFd?: number | undefined
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
  libavcodec = 0,
): string[] {
  const packetFilters = [
    ...(task.inBandHeaders ? [IN_BAND_FILTER] : []),
    ...(task.filters !== '' && libavcodec >= 60 ? [NO_EMPTY_FRAMES] : []),
  ]
  return [
    ...['-v', 'error', '-nostdin', '-y', '-nostats', '-progress', 'pipe:1', '-stats_period', '0.5'],
    ...inputArguments(task, seekPts, files),
    ...['-map', `0:${task.stream}`, '-map_metadata', '-1', '-map_chapters', '-1'],
    ...(task.startMicroseconds === 0n ? [] : ['-ss', formatMicroseconds(task.startMicroseconds)]),
    ...task.video,
    ...filterArguments(task),
    ...['-fps_mode:v', 'passthrough', '-enc_time_base:v', formatRational(task.encoderTimeBase)],
    ...(packetFilters.length === 0 ? [] : ['-bsf:v', packetFilters.join(',')]),
    ...['-output_ts_offset', `${SEGMENT_SHIFT_SECONDS}`],
    // One time scale for the track and its edit list: the shift is then exact for every time base.
    ...['-video_track_timescale', `${segmentTimeScale(task.encoderTimeBase)}`],
    ...['-movie_timescale', `${segmentTimeScale(task.encoderTimeBase)}`],
    // The muxer alone: what the source's container says of stereo, sphere and Dolby Vision must reach the join.
    ...['-f_strict', 'unofficial'],
    ...['-f', task.container, `file:${files.outputPath}`],
    ...(firstSeen(task, seekPts) === undefined ? [] : firstSeenArguments(task)),
  ]
}

/**
 * The time, as it reaches the filters, of the first frame that they must see; undefined where decoding starts with the file, and
 * where what they see is what the segment shows. A decoder leaves out what it cannot make whole behind a recovery point.
 */
export function firstSeen(
  task: Pick<SegmentTask, 'filtered' | 'startPts' | 'zeroMicroseconds' | 'timeBase'>,
  seekPts: bigint | undefined,
): bigint | undefined {
  if (task.filtered === undefined || seekPts === undefined) return undefined
  return less(task.startPts, rescale(task.zeroMicroseconds, MICROSECONDS, task.timeBase))
}

/**
 * From version 6.1 on filters that change times take a frame's length away, and the mov demuxer leaves out a keyframe of no length at
 * the segment's end. Older ones know no length yet where packets are filtered.
 */
const NO_EMPTY_FRAMES = 'setts=pts=PTS:dts=DTS:duration=max(DURATION\\,1)'

/** A second output: that frame's line in a list, between the lines of the progress. */
function firstSeenArguments(task: SegmentTask): string[] {
  return [
    ...['-map', `0:${task.stream}`, '-filter:v', trimSource(task, task), '-frames:v', '1'],
    ...['-fps_mode:v', 'passthrough', '-enc_time_base:v', formatRational(task.timeBase)],
    ...['-c:v', 'wrapped_avframe', '-f', 'framecrc', 'pipe:1'],
  ]
}

/**
 * `-copyts -itsoffset` does what ffmpeg does by itself to a whole file, with the same rounding, and leaves the frame
 * rate known to the encoder (a `setpts` filter hides it from FFmpeg 7, and x264 then writes level 6.2).
 */
export function inputArguments(
  task: Pick<SegmentInput, 'timeBase' | 'zeroMicroseconds' | 'format' | 'x264Build'>,
  seekPts: bigint | undefined,
  files: Pick<SegmentFiles, 'inputUrl' | 'inputOptions'>,
): string[] {
  const seek =
    seekPts === undefined
      ? []
      : [
          ...['-noaccurate_seek', '-seek_timestamp', '1'],
          ...['-ss', formatMicroseconds(rescale(seekPts, task.timeBase, MICROSECONDS))],
        ]
  return [
    ...[
      '-copyts',
      '-itsoffset',
      formatMicroseconds(-besideZero(task.zeroMicroseconds, task.timeBase)),
      ...seek,
    ],
    ...(files.inputOptions ?? []),
    ...(task.x264Build === undefined ? [] : ['-x264_build', `${task.x264Build}`]),
    ...['-f', task.format, '-i', files.inputUrl],
  ]
}

function filterArguments(task: SegmentTask): string[] {
  const chain = filterChain(task)
  return chain === '' ? [] : ['-filter:v', chain]
}

/** The cut, the user's filters, and behind filters that had to see more than the segment the cut of what they gave. */
export function filterChain(
  task: Pick<SegmentTask, 'timeBase' | 'zeroMicroseconds' | 'startPts' | 'endPts' | 'filters' | 'filtered'> &
    Partial<Pick<SegmentTask, 'retiming'>>,
): string {
  const retiming = task.retiming === undefined ? '' : retimeFilters(task.retiming)
  const chain = [trimSource(task, task), task.filters, trim(task.filtered ?? WHOLE), retiming]
  return chain.filter((part) => part !== '').join(',')
}

/** The cut in front of all filters, as `trim`; empty where the range is open at both ends. */
export function trimSource(
  input: Pick<SegmentInput, 'zeroMicroseconds' | 'timeBase'>,
  { startPts, endPts }: SegmentRange,
): string {
  const zero = rescale(input.zeroMicroseconds, MICROSECONDS, input.timeBase)
  return trim({ startPts: less(startPts, zero), endPts: less(endPts, zero) })
}

function trim({ startPts, endPts }: SegmentRange): string {
  const bounds = [
    ...(startPts === undefined ? [] : [`start_pts=${startPts}`]),
    ...(endPts === undefined ? [] : [`end_pts=${endPts}`]),
  ]
  return bounds.length === 0 ? '' : `trim=${bounds.join(':')}`
}

const WHOLE: SegmentRange = { startPts: undefined, endPts: undefined }

function less(time: bigint | undefined, zero: bigint): bigint | undefined {
  return time === undefined ? undefined : time - zero
}
