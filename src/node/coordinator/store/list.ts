/** The unfinished jobs of this machine: which there are, and what becomes of one. */
import { extname, join } from 'node:path'
import { claimName } from '../../claim.ts'
import { JobError } from '../failure.ts'
import type { EncodeRequest } from '../request.ts'
import { jobsDirectory, jobsIn, removeJob, removePartials } from './directory.ts'
import { begunOf, readRecords, storedOnly } from './read.ts'
import type { BegunRecord, JournalRecord } from './records.ts'

/** A job that was begun and not ended. */
export interface JobSummary {
  readonly id: string
  /** Undefined where that record is damaged: the command that began it goes on with it. */
  readonly request: EncodeRequest | undefined
  readonly framesDone: number
  /** Undefined before they are known. */
  readonly frames: number | undefined
  readonly segments: number
  readonly bytes: number
  /** ISO 8601, UTC; undefined as `request` is. */
  readonly begunAt: string | undefined
  readonly isRunning: boolean
}

interface Options {
  signal: AbortSignal
}

/** All that were begun on this machine and are not ended, the last begun first. */
export async function listJobs(dataDir: string, options: Options): Promise<JobSummary[]> {
  const parent = jobsDirectory(dataDir)
  const found: JobSummary[] = []
  for (const id of await jobsIn(parent)) {
    const directory = join(parent, id)
    const records = await readRecords(directory).catch((): JournalRecord[] => [])
    const begun = begunOf(records)
    const told = records.filter((record) => record.type === 'segment')
    const segments = await storedOnly(directory, told)
    const film = records.findLast((record) => record.type === 'film')
    // One that belongs to another user is no reason not to list the others.
    const claim = await claimName(directory, 'claim', options).catch(() => {
      options.signal.throwIfAborted()
      return null
    })
    await claim?.release()
    found.push({
      id,
      request: begun === undefined ? undefined : toRequest(begun.request),
      frames: film?.frames,
      begunAt: begun === undefined ? undefined : new Date(begun.at).toISOString(),
      framesDone: segments.reduce((sum, { frames }) => sum + frames, 0),
      segments: segments.length,
      bytes: segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      isRunning: claim === undefined,
    })
  }
  return found.sort((a, b) => (b.begunAt ?? '').localeCompare(a.begunAt ?? ''))
}

/** @throws JobError JOB_UNKNOWN, JOB_AMBIGUOUS */
export async function findJob(
  dataDir: string,
  id: string | undefined,
  options: Options,
): Promise<JobSummary> {
  const jobs = await listJobs(dataDir, options)
  const found = jobs.filter((job) => id === undefined || (id !== '' && job.id.startsWith(id)))
  const [job, ...others] = found
  if (job === undefined)
    throw new JobError({ code: 'JOB_UNKNOWN', id, known: jobs.map(({ id: known }) => known) })
  if (others.length > 0)
    throw new JobError({ code: 'JOB_AMBIGUOUS', ids: found.map(({ id: known }) => known) })
  return job
}

/**
 * What the job was asked for, with another place for its output: segments suit outputs of their kind alone.
 *
 * @throws JobError OUTPUT_KIND, JOB_DAMAGED
 */
export function resumeRequest(
  { id, request }: JobSummary,
  {
    outputPath,
    reportPath,
    overwrite,
  }: { outputPath?: string | undefined; reportPath?: string | undefined; overwrite: boolean },
): EncodeRequest {
  if (request === undefined)
    throw new JobError({ code: 'JOB_DAMAGED', id, detail: 'what it was asked for cannot be read' })
  const kind = extname(request.outputPath)
  const path = outputPath ?? request.outputPath
  if (extname(path).toLowerCase() !== kind.toLowerCase()) {
    throw new JobError({ code: 'OUTPUT_KIND', path, kind })
  }
  return {
    ...request,
    ...{ job: id, outputPath: path, overwrite: request.overwrite || overwrite },
    reportPath: reportPath ?? request.reportPath,
  }
}

/** Removes what a job has on the disk. @throws JobError JOB_UNKNOWN, JOB_AMBIGUOUS, JOB_RUNNING */
export async function discardJob(dataDir: string, id: string, options: Options): Promise<JobSummary> {
  const job = await findJob(dataDir, id, options)
  const directory = join(jobsDirectory(dataDir), job.id)
  const claim = await claimName(directory, 'claim', options)
  if (claim === undefined) {
    throw new JobError({ code: 'JOB_RUNNING', id: job.id, output: job.request?.outputPath ?? 'its output' })
  }
  try {
    await removePartials(await readRecords(directory).catch(() => []))
    await removeJob(directory)
  } finally {
    await claim.release()
  }
  return job
}

/** What is not there in JSON is undefined. */
function toRequest(request: BegunRecord['request']): EncodeRequest {
  const { params, peers, benchmarkSeconds, segmentSeconds, reportPath, isPull, ...rest } = request
  return {
    ...rest,
    ...{ params, peers, benchmarkSeconds, segmentSeconds, reportPath },
    ...(isPull === undefined ? {} : { isPull }),
  }
}
