/** Which of a source's keyframes segments may start from. */
import { decodesAlike, fileUrl, type SegmentInput, type Tool } from '../../media/index.ts'
import type { Job } from './job.ts'

type Readable = Pick<Job, 'source' | 'index' | 'zeroMicroseconds' | 'x264Build'>

/** Takes an index's keyframes away where a start from them does not give the pictures of a single run. */
export async function findStarts(
  ffmpeg: Tool,
  job: Readable,
  options: { signal?: AbortSignal },
): Promise<Pick<Job, 'index' | 'warnings'>> {
  const { index, source } = job
  if (await decodesAlike(ffmpeg, segmentInput(job), fileUrl(source.path), index, options)) {
    return { index, warnings: [] }
  }
  const warning =
    'this file decodes to other pictures from a later keyframe on than from its start: every segment is decoded from the start, which takes longer'
  return { index: { ...index, seekable: false }, warnings: [warning] }
}

/** How a job's video is read. */
export function segmentInput(job: Readable): SegmentInput {
  return {
    format: job.source.format,
    stream: job.source.video.index,
    timeBase: job.index.timeBase,
    zeroMicroseconds: job.zeroMicroseconds,
    x264Build: job.x264Build,
  }
}
