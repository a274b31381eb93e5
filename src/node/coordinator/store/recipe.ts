/** What a segment is made by, as one short value: segments of another recipe are of no use to a job. */
import { createHash } from 'node:crypto'
import { formatTimeBase, videoArguments } from '../../../media/index.ts'
import type { Job } from '../job.ts'
import { segmentInput } from '../starts.ts'
import type { SourceMark } from './records.ts'

/** All that decides what a segment of the job is, but its place in the film: its source as well. */
export function recipeOf(job: Job, { sizeBytes, modifiedMs, fingerprint }: SourceMark): string {
  const { film, params, synced } = job
  const { format, stream, timeBase, zeroMicroseconds, x264Build } = segmentInput(job)
  const words = [
    ...[sizeBytes, modifiedMs, fingerprint],
    ...[format, stream, formatTimeBase(timeBase), `${zeroMicroseconds}`, x264Build ?? null],
    ...[formatTimeBase(film.timing.encoder), `${film.timing.startMicroseconds}`],
    ...[videoArguments(params), params.filters.text, job.alike, synced?.isConstant ?? null],
    ...[job.picture, [...job.description].sort(), job.container, job.mixedBuilds],
    // Where decoding may start, and by whose word frames are known.
    ...[job.index.seekable, job.index.evidence],
    ...[job.build?.parameterSets ?? null],
  ]
  return createHash('sha256').update(JSON.stringify(words)).digest('hex')
}
