/** What is to be done: the source, its frames and times, the params, and what becomes of its other streams. */
import { randomBytes } from 'node:crypto'
import {
  chooseEncoderTimeBase,
  defaultEncoder,
  type EncodeParams,
  type FrameIndex,
  findClockJump,
  MediaError,
  measureZero,
  type OutputFormat,
  outputFormat,
  parseParams,
  planStreams,
  preflight,
  probe,
  readEncoderOptions,
  readFrameIndex,
  readStreamTags,
  type SegmentContainer,
  type Source,
  type StreamPlan,
  splitParams,
  type Timing,
} from '../../media/index.ts'
import type { SwarmNode } from '../node.ts'

export interface Job {
  readonly id: string
  readonly source: Source
  readonly index: FrameIndex
  readonly timing: Timing
  readonly params: EncodeParams
  readonly container: SegmentContainer
  /** Needed for the join alone, like `streams`. */
  readonly streamTags: Promise<readonly string[]>
  readonly format: OutputFormat
  /** What becomes of each stream; it is only needed for the join, and its answer is not waited for before. */
  readonly streams: Promise<StreamPlan>
}

export interface JobRequest {
  readonly inputPath: string
  readonly outputPath: string
  /** As typed; undefined: ffswarm's default. */
  readonly params: string | undefined
}

export const DEFAULT_PARAMS = '-preset fast'

/** @throws MediaError for an input or params that cannot be encoded. */
export async function prepareJob(
  node: Pick<SwarmNode, 'tools'>,
  request: JobRequest,
  options: { signal: AbortSignal; scratchDir: string },
): Promise<Job> {
  const { tools } = node
  const format = outputFormat(request.outputPath)
  const encoder = defaultEncoder(format)
  const text = request.params ?? (encoder === 'libx264' ? DEFAULT_PARAMS : '')
  const params = await parseParams(splitParams(text), {
    defaultEncoder: encoder,
    ffmpegPath: tools.ffmpeg.path,
    encoderOptions: (name) => readEncoderOptions(tools.ffmpeg, name, options),
  })
  const source = await probe(tools.ffprobe, request.inputPath, options)
  const [index, zeroMicroseconds] = await Promise.all([
    readFrameIndex(tools, source, options),
    measureZero(tools.ffmpeg, source, options),
  ])
  if (index.pts.length === 0) {
    const detail = 'its video stream holds no frame'
    throw new MediaError({ code: 'INPUT_UNREADABLE', path: request.inputPath, detail })
  }
  const atSeconds = findClockJump(source.format, index)
  if (atSeconds !== undefined) {
    throw new MediaError({ code: 'INPUT_CLOCK_JUMPS', path: request.inputPath, atSeconds })
  }
  const encoderTimeBase = chooseEncoderTimeBase(source.video, index)
  const container = await preflight(tools.ffmpeg, source, params, encoderTimeBase, options)
  const streams = planStreams(tools.ffmpeg, source, params, format, options)
  streams.catch(() => {})
  // Only Matroska says all of it; mp4 and mov are told by their own muxers as in a single run.
  const streamTags =
    format.demuxer === 'matroska' || container === 'mov'
      ? readStreamTags(tools, source, params, encoderTimeBase, options)
      : Promise.resolve([])
  streamTags.catch(() => {})
  return {
    id: randomBytes(8).toString('hex'),
    source,
    index,
    timing: { source: index.timeBase, encoder: encoderTimeBase, zeroMicroseconds },
    params,
    container,
    streamTags,
    format,
    streams,
  }
}
