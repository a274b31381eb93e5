/** What a job's journal is told of an attempt. */
import { basename } from 'node:path'
import type { Attempt } from '../attempt.ts'
import type { EncodedTask } from '../executor.ts'
import type { GivenRecord, SegmentRecord } from './records.ts'

/** A peer has it in hand from now on. @param recipe of the job's segments */
export function givenRecord(
  { assignment: { task, peer } }: Pick<Attempt, 'assignment'>,
  recipe: string,
): Omit<GivenRecord, 'type'> {
  const { index, first, frames } = task
  return { recipe, index, first, frames, peer }
}

/** It is verified. */
export function segmentRecord(
  { assignment: { task, number }, executor, path }: Attempt,
  encoded: EncodedTask,
  recipe: string,
): Omit<SegmentRecord, 'type'> {
  const { peer, name, isLocal, software, ffmpeg } = executor
  const { sizeBytes, sha256, encodeSeconds, cpuSeconds, seekIndex, complaints } = encoded
  return {
    ...{ recipe, index: task.index, first: task.first, frames: task.frames },
    ...{ ptsDigest: task.expected.ptsDigest, file: basename(path), sizeBytes, sha256 },
    ...{ encodeSeconds, cpuSeconds, seekIndex, complaints, attempt: number },
    ...{ peer, name, isLocal, software, ffmpeg },
  }
}
