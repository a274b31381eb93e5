/** Encodes one segment and proves its frame times; starts decoding further back as long as they are not right. */
import { MediaError } from '../failure.ts'
import { run, type Tool } from '../ffmpeg/index.ts'
import { ptsDigest } from '../frame-index.ts'
import { type InspectedSegment, inspectSegment } from '../verify.ts'
import { type SegmentFiles, segmentArguments } from './arguments.ts'
import type { SegmentTask } from './task.ts'

export interface SegmentProgress {
  /** Frames encoded by the attempt that is running. */
  readonly frames: number
}

export interface EncodeOptions {
  signal?: AbortSignal
  onProgress?(progress: SegmentProgress): void
}

export interface EncodedSegment {
  readonly frames: number
  readonly inspected: InspectedSegment
  /** Which of the task's `seekPts` gave the result. */
  readonly seekIndex: number
  /** CPU time of all attempts, where the system tells; otherwise 0. */
  readonly cpuSeconds: number
}

/**
 * Writes the segment to `files.outputPath`.
 *
 * @throws MediaError TOOL_EXIT in ffmpeg's own words; SEGMENT_FRAMES when not even decoding from the last place gives
 * the expected frame times: the file then holds what that place gave.
 */
export async function encodeSegment(
  tools: { ffmpeg: Tool; ffprobe: Tool },
  task: SegmentTask,
  files: SegmentFiles,
  options: EncodeOptions = {},
): Promise<EncodedSegment> {
  let actual = 0
  let cpuSeconds = 0
  for (const [seekIndex, seekPts] of task.seekPts.entries()) {
    const ran = await run(tools.ffmpeg, segmentArguments(task, seekPts, files), {
      measureCpu: true,
      signal: options.signal,
      background: true,
      onLine(line) {
        const frames = /^frame=(\d+)$/.exec(line)?.[1]
        if (frames !== undefined) options.onProgress?.({ frames: Number(frames) })
      },
    })
    cpuSeconds += ran.cpuSeconds ?? 0
    const inspected = await inspectSegment(tools.ffprobe, files.outputPath, task.container, options)
    const { times } = inspected
    if (times.length === task.expected.frames && ptsDigest(times) === task.expected.ptsDigest) {
      return { frames: times.length, inspected, seekIndex, cpuSeconds }
    }
    actual = times.length
  }
  throw new MediaError({ code: 'SEGMENT_FRAMES', expected: task.expected.frames, actual })
}
