/**
 * Encodes one segment and proves its frame times; starts decoding further back as long as they are not right, or as what
 * the decoder complained about may have spoilt its pictures.
 */
import { MediaError, type MediaFailure } from '../failure.ts'
import { run, type Tool, type Usage } from '../ffmpeg/index.ts'
import { ptsDigest } from '../frame-index.ts'
import { parseFrameLine } from '../frame-times.ts'
import { type InspectedSegment, inspectSegment } from '../verify.ts'
import { accessTo, firstSeen, type SegmentFiles, segmentArguments } from './arguments.ts'
import { Complaints } from './complaints.ts'
import { settleDoubt } from './doubt.ts'
import { EncodingProgress } from './progress.ts'
import { segmentBytesMax } from './size.ts'
import type { SegmentTask } from './task.ts'

export interface SegmentProgress {
  /** Frames encoded by the attempt that is running. */
  readonly frames: number
}

export interface EncodeOptions {
  signal?: AbortSignal
  onProgress?(progress: SegmentProgress): void
  /** Of the attempt that is running. */
  onUsage?(usage: Usage): void
  /** Whether ffmpeg waits for bytes of its source that are late. */
  isWaiting?(): boolean
  /** Its major version; undefined: as old as FFmpeg 5's. */
  libavcodec?: number
}

export interface EncodedSegment {
  readonly frames: number
  readonly inspected: InspectedSegment
  /** Which of the task's `seekPts` gave the result. */
  readonly seekIndex: number
  /** How often the decoder complained about what it read from the file's start; a start behind it stands only where that is harmless. */
  readonly complaints: number
  /** CPU time of all attempts, where the system tells; otherwise 0. */
  readonly cpuSeconds: number
}

/**
 * Writes the segment to `files.outputPath`.
 *
 * @throws MediaError TOOL_EXIT in ffmpeg's own words; SEGMENT_FRAMES or SEGMENT_PICTURE when not even decoding
 * from the last place gives the expected frame times and size: the file then holds what that place gave.
 */
export async function encodeSegment(
  tools: { ffmpeg: Tool; ffprobe: Tool },
  task: SegmentTask,
  files: SegmentFiles,
  options: EncodeOptions = {},
): Promise<EncodedSegment> {
  const last = task.seekPts.length - 1
  let cpuSeconds = 0
  for (let seekIndex = 0; ; ) {
    const attempt = await encodeFrom(tools, task, seekIndex, files, options)
    cpuSeconds += attempt.cpuSeconds
    const { inspected } = attempt
    const failure = compare(task, inspected)
    if (failure === undefined && inspected !== undefined) {
      const doubt =
        seekIndex === last || attempt.complaints === 0
          ? 'harmless'
          : await settleDoubt(tools.ffmpeg, task, files, { ...attempt, seekIndex }, options)
      if (doubt === 'harmless') {
        const complaints = task.seekPts[seekIndex] === undefined ? attempt.complaints : 0
        return { frames: inspected.times.length, inspected, seekIndex, complaints, cpuSeconds }
      }
      seekIndex = doubt === 'damaged' ? last : seekIndex + 1
    } else if (failure !== undefined && seekIndex === last) {
      throw new MediaError(failure)
    } else {
      seekIndex = failure?.code === 'SEGMENT_PICTURE' ? last : seekIndex + 1
    }
  }
}

/** What the segment lacks to be what was asked for. */
function compare(
  { expected }: SegmentTask,
  { times, picture }: Pick<InspectedSegment, 'times' | 'picture'> = NOTHING,
): MediaFailure | undefined {
  if (times.length !== expected.frames || ptsDigest(times) !== expected.ptsDigest) {
    return { code: 'SEGMENT_FRAMES', expected: expected.frames, actual: times.length }
  }
  return picture === expected.picture
    ? undefined
    : { code: 'SEGMENT_PICTURE', expected: expected.picture, actual: picture }
}

const NOTHING = { times: new BigInt64Array(), picture: '' }

/** Far more frames than the film has there: it was told a falsehood, and would go on as long as its disk lasts. */
function refuseEndless({ expected }: SegmentTask, line: string): void {
  const actual = Number(/^frame=\s*(\d+)$/.exec(line)?.[1] ?? 0)
  if (actual > expected.frames + FRAMES_BEYOND) {
    throw new MediaError({ code: 'SEGMENT_FRAMES', expected: expected.frames, actual })
  }
}

/** Encoders are told of some hundreds before they give the first back. */
const FRAMES_BEYOND = 1_000

/**
 * @returns nothing inspected where a start further back is left, and the decoder found no sense in what it read or the
 * filters missed what comes before the segment
 */
async function encodeFrom(
  tools: { ffmpeg: Tool; ffprobe: Tool },
  task: SegmentTask,
  seekIndex: number,
  files: SegmentFiles,
  options: EncodeOptions,
): Promise<{ inspected: InspectedSegment | undefined; complaints: number; cpuSeconds: number }> {
  const complaints = new Complaints(task.video)
  const progress = new EncodingProgress()
  const seekPts = task.seekPts[seekIndex]
  const wanted = firstSeen(task, seekPts)
  let seen: bigint | undefined
  let cpuSeconds = 0
  try {
    const ran = await run(tools.ffmpeg, segmentArguments(task, seekPts, files, options.libavcodec), {
      measureCpu: true,
      ...(options.onUsage === undefined ? {} : { onUsage: options.onUsage }),
      ...(options.isWaiting === undefined ? {} : { isWaiting: options.isWaiting }),
      signal: options.signal,
      background: true,
      access: {
        ...accessTo(files),
        writes: [files.outputPath],
        fileBytesMax: segmentBytesMax(task.expected.picture, task.expected.frames),
      },
      onErrorLine: (line) => complaints.read(line),
      onLine(line) {
        refuseEndless(task, line)
        const frames = progress.read(line)
        if (frames !== undefined) options.onProgress?.({ frames })
        if (wanted !== undefined) seen ??= parseFrameLine(line)?.pts
      },
    })
    cpuSeconds = ran.cpuSeconds ?? 0
  } catch (error) {
    // ffmpeg gives up where it can decode next to nothing.
    const isUndecodable = error instanceof MediaError && error.code === 'TOOL_EXIT' && complaints.count > 0
    if (!isUndecodable || seekIndex === task.seekPts.length - 1) throw error
    return { inspected: undefined, complaints: complaints.count, cpuSeconds }
  }
  if (seen !== wanted) return { inspected: undefined, complaints: complaints.count, cpuSeconds }
  const inspected = await inspectSegment(tools.ffprobe, files.outputPath, task.container, options)
  return { inspected, complaints: complaints.count, cpuSeconds }
}
