/**
 * Jobs as they lie on the disk: what was asked for, and the segments that are done. Each job has a directory of its own, named after
 * its input, output and params, so that the same command finds it again; one process at a time has it.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, realpath } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Claim, claimName } from '../../claim.ts'
import { isErrno } from '../../errno.ts'
import { JobError } from '../failure.ts'
import type { EncodeRequest } from '../request.ts'
import { empty, jobsDirectory, removeJob, removePartials, sweep } from './directory.ts'
import { isSameSource, markSource } from './fingerprint.ts'
import { isFinished, markFile } from './finished.ts'
import { Journal, readJournal } from './journal.ts'
import { begunOf, readRecords, storedOnly, toRecords } from './read.ts'
import {
  type GivenRecord,
  type JournalRecord,
  type SegmentRecord,
  type SourceMark,
  versioned,
} from './records.ts'

export { discardJob, findJob, type JobSummary, listJobs, resumeRequest } from './list.ts'
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
  readonly earlier: readonly SegmentRecord[]
  /** Those and this process's own; one whose file is gone does not count. */
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

interface Options {
  signal: AbortSignal
  /** By which the source is read; by default its name. */
  sourcePath?: string
}

/** @throws JobError JOB_RUNNING, JOB_NEWER, JOB_DAMAGED; whatever the file system does */
export async function openJob(dataDir: string, request: EncodeRequest, options: Options): Promise<StoredJob> {
  const asked = await withWholePaths(request)
  const id = request.job ?? idOf(asked)
  const directory = join(jobsDirectory(dataDir), id)
  try {
    return await openIn(directory, id, asked, options)
  } catch (cause) {
    // Something else lies where a file or a directory of the job is to be.
    const isOfJob = isErrno(cause, ...UNUSABLE) && 'path' in cause
    if (!isOfJob || !String(cause.path).startsWith(directory)) throw cause
    throw new JobError({ code: 'JOB_DAMAGED', id, detail: cause.message }, { cause })
  }
}

const UNUSABLE = ['EISDIR', 'ENOTDIR', 'EEXIST', 'ENOENT', 'ELOOP', 'EACCES', 'EPERM', 'EIO']

async function openIn(
  directory: string,
  id: string,
  asked: EncodeRequest,
  options: Options,
): Promise<StoredJob> {
  await mkdir(join(directory, 'segments'), { recursive: true, mode: 0o700 })
  await sweep(dirname(directory))
  const claim = await claimName(directory, 'claim', options)
  if (claim === undefined) {
    const running = begunOf(await readRecords(directory).catch(() => []))
    const output = running?.request.outputPath ?? asked.outputPath
    throw new JobError({ code: 'JOB_RUNNING', id, output })
  }
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
  const source = await markSource(options.sourcePath ?? request.inputPath, options)
  const raw = await readJournal(join(directory, 'journal'))
  if (raw.some(isOfNewer)) throw new JobError({ code: 'JOB_NEWER', id, directory })
  const records = toRecords(raw)
  const begun = begunOf(records)
  // Where that record is damaged, each segment's recipe still tells what it was made of.
  const isSame = begun === undefined || isSameSource(begun.source, source)
  const recorded = records.filter((record) => record.type === 'segment')
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
  const before = isSame ? recorded : []
  const own: SegmentRecord[] = []
  const given = isSame ? lastGiven(records) : []
  let kept = (await storedOnly(directory, before)).length
  let isOpen = true
  const close = async () => {
    if (isOpen) await journal.close()
    isOpen = false
  }
  return {
    ...{ id, given, source, blobId: blob, directory: join(directory, 'segments') },
    earlier: before,
    get segments() {
      return [...before, ...own]
    },
    outdated: isSame ? 0 : recorded.length,
    async addSegment(segment) {
      const segments = join(directory, 'segments')
      await sync(join(segments, segment.file), 'r+')
      // Its name, where the system can do that.
      await sync(segments, 'r').catch(() => {})
      await append({ type: 'segment', ...segment })
      own.push({ type: 'segment', ...segment })
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

/** Whether a later version of this program has written it, which may mean something else by its records. */
function isOfNewer(record: unknown): boolean {
  const { success, data } = versioned.safeParse(record)
  return success && data.version > 1
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

async function sync(path: string, flags: 'r' | 'r+'): Promise<void> {
  const file = await open(path, flags)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
