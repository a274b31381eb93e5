/** Proof that the segments are still, byte for byte, what was verified: a disk can fail between then and the join. */
import { digestFile } from '../../media/index.ts'
import { JobError } from './failure.ts'
import type { Job } from './job.ts'
import { toBlamed } from './output-error.ts'
import type { VerifiedSegment } from './verify-segment.ts'

/**
 * Looks after the join, so that what changed while it read is found as well.
 *
 * @throws JobError SEGMENT_CHANGED
 */
export async function checkSegments(
  segments: readonly VerifiedSegment[],
  job: Pick<Job, 'film'>,
  options: { signal: AbortSignal },
): Promise<void> {
  for (const segment of segments) {
    const { sha256 } = await digestFile(segment.path, options).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' && error.code !== 'EIO') throw error
      return { sha256: error.code }
    })
    if (sha256 !== segment.encoded.sha256) {
      throw new JobError({ code: 'SEGMENT_CHANGED', ...toBlamed(segment, job) })
    }
  }
}
