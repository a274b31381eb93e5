/**
 * Jobs as they lie on the disk: what was asked for, and the segments that are done. Each job has a directory of its own, named after
 * its input, output and params, so that the same command finds it again; one process at a time has it.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, realpath } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import { type Claim, claimName } from '../../claim.ts'
import { JobError } from '../failure.ts'
import type { EncodeRequest } from '../request.ts'
import { empty, jobsDirectory, jobsIn, removeJob, removePartials, sweep } from './directory.ts'
import { isSameSource, markSource } from './fingerprint.ts'
import { isFinished, markFile } from './finished.ts'
import { Journal, readJournal } from './journal.ts'
import {
  type BegunRecord,
  type GivenRecord,
  type JournalRecord,
  journalRecord,
  type SegmentRecord,
  type SourceMark,
  versioned,
} from './records.ts'

export type { GivenRecord, SegmentRecord } from './records.ts'

/** A job that this process works on. */
export interface StoredJob {
  readonly id: string
  /** Where its segments lie. */
  readonly directory: string
  /** Under which peers read the source. */
  readonly blobId: string
  /** The source as it is now. */
  readonly source: SourceMark
  /** Verified by a process before this one. */
  readonly segments: readonly SegmentRecord[]
  /** Given to peers by a process before this one, and not brought back. */
  readonly given: readonly GivenRecord[]
  /** Of an earlier one whose source has changed since: they are gone. */
  readonly outdated: number
  /** On the disk when it resolves, the segment's file included. */
  addSegment(segment: Omit<SegmentRecord, 'type'>): Promise<void>
  addGiven(given: Omit<GivenRecord, 'type'>): Promise<void>
  /** How many frames there are in all. */
  tellFrames(frames: number): Promise<void>
  /** A file beside the output that the next process removes if this one cannot. */
  tellPartial(path: string): Promise<void>
  /** It is verified, and about to get the output's name. */
  tellFinished(path: string): Promise<void>
  /** Whether a process before this one has given its output that name, and nobody has changed the file since. */
  hasFinished(path: string): Promise<boolean>
  /** How many segments it holds by now. */
  readonly kept: number
  /** Lets go of it; what it holds stays for the next process, unless that is nothing. */
  release(): Promise<void>
  /** The output is there, or what is here is of no use. */
  remove(): Promise<void>
}

/** A job that was begun and not ended. */
export interface JobSummary {
  readonly id: string
  readonly request: EncodeRequest
  readonly framesDone: number
  /** Undefined before they are known. */
  readonly frames: number | undefined
  readonly segments: number
  readonly bytes: number
  /** ISO 8601, UTC. */
  readonly begunAt: string
  readonly isRunning: boolean
}

interface Options {
  signal: AbortSignal
}

/** @throws JobError JOB_RUNNING; whatever the file system does */
export async function openJob(dataDir: string, request: EncodeRequest, options: Options): Promise<StoredJob> {
  const asked = await withWholePaths(request)
  const id = request.job ?? idOf(asked)
  const directory = join(jobsDirectory(dataDir), id)
  await mkdir(join(directory, 'segments'), { recursive: true, mode: 0o700 })
  await sweep(dirname(directory))
  const claim = await claimName(directory, 'claim', options)
  if (claim === undefined) throw new JobError({ code: 'JOB_RUNNING', id, output: asked.outputPath })
  try {
    return await takeUp(directory, id, asked, claim, options)
  } catch (error) {
    await claim.release()
    throw error
  }
}

async function takeUp(
  directory: string,
  id: string,
  request: EncodeRequest,
  claim: Claim,
  options: Options,
): Promise<StoredJob> {
  const source = await markSource(request.inputPath, options)
  const raw = await readJournal(join(directory, 'journal'))
  if (raw.some(isOfNewer)) throw new JobError({ code: 'JOB_NEWER', id, directory })
  const records = toRecords(raw)
  const begun = begunOf(records)
  // Where that record is damaged, each segment's recipe still tells what it was made of.
  const isSame = begun === undefined || isSameSource(begun.source, source)
  const before = records.filter((record) => record.type === 'segment')
  await removePartials(records)
  if (!isSame) await empty(directory)
  const journal = await Journal.open(join(directory, 'journal'))
  const blob = isSame && begun !== undefined ? begun.blob : randomBytes(16).toString('hex')
  const append = (record: JournalRecord) => journal.append(record)
  // Once more where the same job is asked for otherwise: what was asked last holds.
  await append({
    type: 'job',
    version: 1,
    request: { ...request },
    source,
    blob,
    at: begun?.at ?? Date.now(),
  })
  const segments = isSame ? before : []
  const given = isSame ? lastGiven(records) : []
  let kept = segments.length
  let isOpen = true
  const close = async () => {
    if (isOpen) await journal.close()
    isOpen = false
  }
  return {
    ...{ id, segments, given, source, blobId: blob, directory: join(directory, 'segments') },
    outdated: isSame ? 0 : before.length,
    async addSegment(segment) {
      const segments = join(directory, 'segments')
      await sync(join(segments, segment.file), 'r+')
      // Its name, where the system can do that.
      await sync(segments, 'r').catch(() => {})
      await append({ type: 'segment', ...segment })
      kept++
    },
    addGiven: (piece) => journal.append({ type: 'given', ...piece }, { mayBeLost: true }),
    tellFrames: (frames) => append({ type: 'film', frames }),
    tellPartial: (path) => append({ type: 'partial', path }),
    tellFinished: async (path) => append({ type: 'finished', file: await markFile(path) }),
    hasFinished: (path) => isFinished(records, path),
    get kept() {
      return kept
    },
    async release() {
      await close()
      if (kept === 0) await removeJob(directory)
      await claim.release()
    },
    async remove() {
      kept = 0
      await close()
      await removeJob(directory)
    },
  }
}

/** All that were begun on this machine and are not ended, the last begun first. */
export async function listJobs(dataDir: string, options: Options): Promise<JobSummary[]> {
  const parent = jobsDirectory(dataDir)
  const found: JobSummary[] = []
  for (const id of await jobsIn(parent)) {
    const directory = join(parent, id)
    const records = await readRecords(directory)
    const begun = begunOf(records)
    if (begun === undefined) continue
    const segments = records.filter((record) => record.type === 'segment')
    const film = records.findLast((record) => record.type === 'film')
    const claim = await claimName(directory, 'claim', options)
    await claim?.release()
    found.push({
      ...{
        id,
        request: toRequest(begun.request),
        frames: film?.frames,
        begunAt: new Date(begun.at).toISOString(),
      },
      framesDone: segments.reduce((sum, { frames }) => sum + frames, 0),
      segments: segments.length,
      bytes: segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      isRunning: claim === undefined,
    })
  }
  return found.sort((a, b) => b.begunAt.localeCompare(a.begunAt))
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
 * @throws JobError OUTPUT_KIND
 */
export function resumeRequest(
  { id, request }: JobSummary,
  { outputPath = request.outputPath, overwrite }: { outputPath?: string | undefined; overwrite: boolean },
): EncodeRequest {
  const kind = extname(request.outputPath)
  if (extname(outputPath).toLowerCase() !== kind.toLowerCase()) {
    throw new JobError({ code: 'OUTPUT_KIND', path: outputPath, kind })
  }
  return { ...request, job: id, outputPath, overwrite: request.overwrite || overwrite }
}

/** Removes what a job has on the disk. @throws JobError JOB_UNKNOWN, JOB_AMBIGUOUS, JOB_RUNNING */
export async function discardJob(dataDir: string, id: string, options: Options): Promise<JobSummary> {
  const job = await findJob(dataDir, id, options)
  const directory = join(jobsDirectory(dataDir), job.id)
  const claim = await claimName(directory, 'claim', options)
  if (claim === undefined) {
    throw new JobError({ code: 'JOB_RUNNING', id: job.id, output: job.request.outputPath })
  }
  try {
    await removePartials(await readRecords(directory))
    await removeJob(directory)
  } finally {
    await claim.release()
  }
  return job
}

function idOf({ inputPath, outputPath, params, mixedBuilds }: EncodeRequest): string {
  const words = [inputPath, outputPath, params ?? null, mixedBuilds === true]
  return createHash('sha256').update(JSON.stringify(words)).digest('hex').slice(0, 12)
}

/** From wherever the same files are named. @throws whatever the file system says of an input that is not there */
async function withWholePaths(request: EncodeRequest): Promise<EncodeRequest> {
  const { reportPath } = request
  return {
    ...request,
    inputPath: await realpath(request.inputPath),
    outputPath: resolve(request.outputPath),
    reportPath: reportPath === undefined ? undefined : resolve(reportPath),
  }
}

async function readRecords(directory: string): Promise<JournalRecord[]> {
  return toRecords(await readJournal(join(directory, 'journal')))
}

/** Whether a later version of this program has written it, which may mean something else by its records. */
function isOfNewer(record: unknown): boolean {
  const { success, data } = versioned.safeParse(record)
  return success && data.version > 1
}

function toRecords(records: readonly unknown[]): JournalRecord[] {
  return records.flatMap((record) => {
    const { success, data } = journalRecord.safeParse(record)
    return success ? [data] : []
  })
}

function begunOf(records: readonly JournalRecord[]): BegunRecord | undefined {
  return records.findLast((record) => record.type === 'job')
}

/** Whom each piece was given to last. */
function lastGiven(records: readonly JournalRecord[]): GivenRecord[] {
  const pieces = new Map<number, GivenRecord>()
  for (const record of records) {
    if (record.type === 'given') pieces.set(record.index, record)
    if (record.type === 'segment') pieces.delete(record.index)
  }
  return [...pieces.values()]
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

async function sync(path: string, flags: 'r' | 'r+'): Promise<void> {
  const file = await open(path, flags)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
