/** The proof that a segment is the one that was asked for: nothing counts because a peer says so. */
import {
  differencesInTags,
  type InspectedSegment,
  inspectSegment,
  MediaError,
  type MediaFailure,
  type Tool,
} from '../../media/index.ts'
import { type Build, whyUnfit } from './builds.ts'
import type { SegmentChanged } from './events.ts'
import type { EncodedTask, Executor } from './executor.ts'
import type { Job } from './job.ts'
import type { Task } from './plan.ts'

export interface VerifiedSegment {
  readonly task: Task
  readonly path: string
  readonly executor: Executor
  readonly encoded: EncodedTask
  /** What this node has read of the file. */
  readonly inspected: InspectedSegment
  readonly event: SegmentChanged
}

/**
 * Reads the segment as it lies here; who sent another than was asked for is told.
 *
 * @param wantedBuild whose parameter sets it must have; asked when its frames are right
 * @throws MediaError SEGMENT_STREAMS, SEGMENT_FRAMES, SEGMENT_PICTURE, SEGMENT_LOOK, PARAMETER_SETS
 */
export async function verifySegment(
  ffprobe: Tool,
  job: Job,
  { task, path, encoded }: Pick<VerifiedSegment, 'task' | 'path' | 'encoded'>,
  wantedBuild: (made: Build) => Build,
  options: { signal: AbortSignal },
): Promise<InspectedSegment> {
  const inspected = encoded.inspected ?? (await inspectSegment(ffprobe, path, job.container, options))
  const { times, picture, description, streams } = inspected
  if (streams !== 1) {
    return await refuse('STREAMS', { code: 'SEGMENT_STREAMS', streams })
  }
  if (times.length !== task.times.length || times.some((time, place) => time !== task.times[place])) {
    return await refuse('FRAMES', {
      code: 'SEGMENT_FRAMES',
      expected: task.times.length,
      actual: times.length,
    })
  }
  if (picture !== job.picture) {
    return await refuse('PICTURE', { code: 'SEGMENT_PICTURE', expected: job.picture, actual: picture })
  }
  const differences = differencesInTags(job.params.encoder, description, job.description)
  if (differences.length > 0) return await refuse('LOOK', { code: 'SEGMENT_LOOK', differences })
  const wanted = wantedBuild(inspected)
  const unfit = job.mixedBuilds ? undefined : whyUnfit(inspected, wanted, job.params.encoder)
  if (unfit !== undefined) return await refuse('PARAMETER_SETS', { code: 'PARAMETER_SETS', detail: unfit })
  return inspected

  async function refuse(code: string, failure: MediaFailure): Promise<never> {
    await encoded.refuse(code).catch(() => {})
    throw new MediaError(failure)
  }
}
