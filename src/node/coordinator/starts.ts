/** Whether a source's keyframes are places to start from. */
import { decodesAlike, fileUrl, needsComparison, type SegmentInput, type Tool } from '../../media/index.ts'
import type { Job } from './job.ts'

type Readable = Pick<Job, 'source' | 'index' | 'zeroMicroseconds' | 'x264Build'>

export async function checkStarts(
  ffmpeg: Tool,
  job: Readable,
  options: { signal?: AbortSignal } = {},
): Promise<boolean> {
  if (!needsComparison(job.source.video.codec, job.x264Build)) return true
  return await decodesAlike(ffmpeg, segmentInput(job), fileUrl(job.source.path), job.index, options)
}

/** The job with every segment decoded from the start of the file. */
export function decodedFromStart(job: Job): Job {
  return { ...job, index: { ...job.index, seekable: false } }
}

/** Some keyframe turned out to give other pictures: the job starts again and decodes from the start. */
export class StartsInDoubt extends Error {
  override readonly name = 'StartsInDoubt'
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
