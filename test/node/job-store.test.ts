import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { EncodeRequest } from '../../src/node/coordinator/request.ts'
import { withoutOverlaps } from '../../src/node/coordinator/store/choose.ts'
import {
  discardJob,
  findJob,
  type JobSummary,
  listJobs,
  openJob,
  resumeRequest,
  type SegmentRecord,
} from '../../src/node/coordinator/store/index.ts'
import { Journal } from '../../src/node/coordinator/store/journal.ts'

const options = { signal: new AbortController().signal }

const SEGMENT: Omit<SegmentRecord, 'type'> = {
  ...{ recipe: 'a'.repeat(64), index: 3, first: 100, frames: 50, ptsDigest: 'b'.repeat(64) },
  ...{ file: 'segment-3-00.mp4', sizeBytes: 7, sha256: 'c'.repeat(64), encodeSeconds: 1.5, cpuSeconds: 1.25 },
  ...{ seekIndex: 0, complaints: 0, attempt: 1, peer: 'peer', name: 'desk', isLocal: false },
  ...{ software: 'ffswarm/1', ffmpeg: '5.1' },
}

async function setUp() {
  const directory = await mkdtemp(join(tmpdir(), 'ffswarm-jobs-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const inputPath = join(directory, 'film.mkv')
  await writeFile(inputPath, 'a film')
  const request: EncodeRequest = {
    ...{ inputPath, outputPath: join(directory, 'out.mkv'), params: '-c:v libx264', overwrite: false },
    ...{ peers: undefined, waitSeconds: 60, benchmarkSeconds: 8, segmentSeconds: undefined },
    ...{ atKeyframes: true, local: 'auto', verify: 'times', reportPath: undefined },
  }
  return { directory, dataDir: join(directory, 'data'), request }
}

/** A job with one segment, which another process has let go of. */
async function begin(dataDir: string, request: EncodeRequest) {
  const job = await openJob(dataDir, request, options)
  await writeFile(join(job.directory, SEGMENT.file), 'segment')
  await job.addSegment(SEGMENT)
  await job.tellFrames(1000)
  await job.release()
  return job
}

test('a job goes on with the segments it had, and its source has the same name for peers', async () => {
  const { dataDir, request } = await setUp()
  const before = await begin(dataDir, request)
  const job = await openJob(dataDir, request, options)
  expect(job).toMatchObject({ id: before.id, blobId: before.blobId, outdated: 0, kept: 1 })
  expect(job.segments).toEqual([{ type: 'segment', ...SEGMENT }])
  await job.remove()
  await job.release()
  expect(await listJobs(dataDir, options)).toEqual([])
})

test('the same files by other names are the same job; other params, or another output, are not', async () => {
  const { directory, dataDir, request } = await setUp()
  const { id } = await begin(dataDir, request)
  const link = join(directory, 'link.mkv')
  await symlink(request.inputPath, link)
  const idOf = async (other: Partial<EncodeRequest>) => {
    const job = await openJob(dataDir, { ...request, ...other }, options)
    await job.release()
    return job.id
  }
  expect(await idOf({ inputPath: link })).toBe(id)
  expect(await idOf({ outputPath: relative(process.cwd(), request.outputPath) })).toBe(id)
  expect(await idOf({ verify: 'full', peers: 3, overwrite: true })).toBe(id)
  expect(await idOf({ params: '-c:v libx265' })).not.toBe(id)
  expect(await idOf({ outputPath: join(directory, 'other.mkv') })).not.toBe(id)
})

test('a source that has changed makes its segments worthless', async () => {
  const { dataDir, request } = await setUp()
  const changes = [
    () => writeFile(request.inputPath, 'a longer film'),
    async () => {
      await writeFile(request.inputPath, 'b longer film')
      await utimes(request.inputPath, 1000, 1000)
    },
    () => utimes(request.inputPath, 2000, 2000),
  ]
  for (const change of changes) {
    await begin(dataDir, request)
    await change()
    const job = await openJob(dataDir, request, options)
    expect(job).toMatchObject({ segments: [], outdated: 1, kept: 0 })
    expect(await readdir(job.directory)).toEqual([])
    await job.release()
  }
})

test('one process at a time has a job', async () => {
  const { dataDir, request } = await setUp()
  const job = await openJob(dataDir, request, options)
  await expect(openJob(dataDir, request, options)).rejects.toMatchObject({ code: 'JOB_RUNNING' })
  await job.release()
  const again = await openJob(dataDir, request, options)
  await again.release()
})

test('a job that holds nothing leaves nothing', async () => {
  const { dataDir, request } = await setUp()
  const job = await openJob(dataDir, request, options)
  await job.tellFrames(1000)
  await job.release()
  expect(await readdir(join(job.directory, '..', '..'))).toEqual([])
})

test('what lay beside the output when a process died is removed, and nothing that was not of its making', async () => {
  const { directory, dataDir, request } = await setUp()
  const job = await openJob(dataDir, request, options)
  const partial = join(directory, '.out.01234567.partial.mkv')
  await writeFile(partial, '')
  await writeFile(join(directory, 'mine.mkv'), '')
  await job.tellPartial(partial)
  await job.tellPartial(join(directory, 'mine.mkv'))
  await job.addSegment({ ...SEGMENT, file: await made(job.directory) })
  await job.release()
  await (await openJob(dataDir, request, options)).release()
  expect(await readdir(directory)).toContain('mine.mkv')
  expect(await readdir(directory)).not.toContain('.out.01234567.partial.mkv')
})

test('what was being removed when a process died is no job, and goes with the next one', async () => {
  const { dataDir, request } = await setUp()
  const { id, directory } = await begin(dataDir, request)
  const jobs = join(directory, '..', '..')
  await rename(join(jobs, id), join(jobs, '.removed-01234567'))
  expect(await listJobs(dataDir, options)).toEqual([])
  await begin(dataDir, request)
  expect(await readdir(jobs)).toEqual([id])
})

test('an output that got its name just before the process died is the job’s own, until somebody changes it', async () => {
  const { directory, dataDir, request } = await setUp()
  const job = await openJob(dataDir, request, options)
  const partial = join(directory, '.out.01234567.partial.mkv')
  await writeFile(partial, 'the film')
  await job.tellFinished(partial)
  await job.addSegment({ ...SEGMENT, file: await made(job.directory) })
  expect(await job.hasFinished(request.outputPath)).toBe(false)
  await job.release()

  const before = await openJob(dataDir, request, options)
  expect(await before.hasFinished(request.outputPath)).toBe(false)
  await before.release()
  await rename(partial, request.outputPath)
  const after = await openJob(dataDir, request, options)
  expect(await after.hasFinished(request.outputPath)).toBe(true)
  await appendFile(request.outputPath, ', and more')
  expect(await after.hasFinished(request.outputPath)).toBe(false)
  await after.release()
})

test('unfinished jobs are listed with what is done, found by the beginning of their names, and discarded', async () => {
  const { directory, dataDir, request } = await setUp()
  expect(await listJobs(dataDir, options)).toEqual([])
  await expect(findJob(dataDir, undefined, options)).rejects.toMatchObject({ code: 'JOB_UNKNOWN' })
  const { id } = await begin(dataDir, request)
  const found = await findJob(dataDir, undefined, options)
  expect(found).toMatchObject({ id, framesDone: 50, frames: 1000, segments: 1, bytes: 7, isRunning: false })
  expect(found.request).toEqual(request)

  const other = await begin(dataDir, { ...request, outputPath: join(directory, 'other.mkv') })
  expect(await findJob(dataDir, id.slice(0, 8), options)).toMatchObject({ id })
  await expect(findJob(dataDir, undefined, options)).rejects.toMatchObject({ code: 'JOB_AMBIGUOUS' })
  await expect(findJob(dataDir, 'nonsense', options)).rejects.toMatchObject({ code: 'JOB_UNKNOWN' })
  await expect(findJob(dataDir, '', options)).rejects.toMatchObject({ code: 'JOB_UNKNOWN' })

  const running = await openJob(dataDir, request, options)
  expect(await findJob(dataDir, id, options)).toMatchObject({ isRunning: true })
  await expect(discardJob(dataDir, id, options)).rejects.toMatchObject({ code: 'JOB_RUNNING' })
  await running.release()
  await discardJob(dataDir, id, options)
  expect((await listJobs(dataDir, options)).map((job) => job.id)).toEqual([other.id])
})

test('a job goes on with another output of the same kind, and with no other', async () => {
  const { directory, dataDir, request } = await setUp()
  const { id } = await begin(dataDir, request)
  const found = await findJob(dataDir, id, options)
  const outputPath = join(directory, 'elsewhere.MKV')
  const job = await openJob(dataDir, resumeRequest(found, { outputPath, overwrite: true }), options)
  expect(job).toMatchObject({ id, kept: 1 })
  await job.release()
  expect((await findJob(dataDir, id, options)).request).toMatchObject({ outputPath, overwrite: true })
  const other = { outputPath: join(directory, 'out.mp4'), overwrite: false }
  expect(() => resumeRequest(found, other)).toThrow(/segments are for a .mkv file/)
})

test('a damaged first record costs no segment', async () => {
  const { dataDir, request } = await setUp()
  const { directory } = await begin(dataDir, request)
  const journal = join(directory, '..', 'journal')
  const [first = '', ...others] = (await readFile(journal, 'utf8')).split('\n')
  await writeFile(journal, [first.replace('"version":1', '"version":?'), ...others].join('\n'))
  const job = await openJob(dataDir, request, options)
  expect(job).toMatchObject({ kept: 1, outdated: 0 })
  expect(await readdir(job.directory)).toEqual([SEGMENT.file])
  await job.release()
})

test('a job whose first record is damaged is listed, goes on with its command alone, and can be discarded', async () => {
  const { dataDir, request } = await setUp()
  const { id, directory } = await begin(dataDir, request)
  const journal = join(directory, '..', 'journal')
  await writeFile(journal, (await readFile(journal, 'utf8')).split('\n').slice(1).join('\n'))
  const [job, ...others] = await listJobs(dataDir, options)
  expect(others).toEqual([])
  expect(job).toMatchObject({ id, segments: 1, framesDone: 50, request: undefined })
  expect(() => resumeRequest(job as JobSummary, { overwrite: false })).toThrow(/damaged/)
  await discardJob(dataDir, id.slice(0, 4), options)
  expect(await listJobs(dataDir, options)).toEqual([])
})

test.each(['journal', 'segments'])(
  'where something else lies in place of its %s, a job says so',
  async (name) => {
    const { dataDir, request } = await setUp()
    const { id, directory } = await begin(dataDir, request)
    const path = join(directory, '..', name)
    await rm(path, { recursive: true })
    await symlink(join(path, 'nowhere'), path)
    await expect(openJob(dataDir, request, options)).rejects.toMatchObject({ code: 'JOB_DAMAGED' })
    expect(await listJobs(dataDir, options)).toMatchObject([{ id }])
    await discardJob(dataDir, id, options)
    await begin(dataDir, request)
  },
)

test('segments whose files are gone are not counted as kept', async () => {
  const { dataDir, request } = await setUp()
  const { directory } = await begin(dataDir, request)
  await rm(join(directory, SEGMENT.file))
  expect(await listJobs(dataDir, options)).toMatchObject([{ segments: 0, framesDone: 0, bytes: 0 }])
  const again = await openJob(dataDir, request, options)
  expect(again.kept).toBe(0)
  await again.release()
  expect(await listJobs(dataDir, options)).toEqual([])
})

test('of a job that runs its own output is named, whatever the other one was to be', async () => {
  const { dataDir, request } = await setUp()
  const job = await openJob(dataDir, request, options)
  const other = { ...request, job: job.id, outputPath: `${request.outputPath}.other.mkv` }
  await expect(openJob(dataDir, other, options)).rejects.toMatchObject({
    failure: { code: 'JOB_RUNNING', output: request.outputPath },
  })
  await job.release()
})

test('what a newer version has begun is left to it', async () => {
  const { dataDir, request } = await setUp()
  const { directory } = await begin(dataDir, request)
  const journal = await Journal.open(join(directory, '..', 'journal'))
  await journal.append({ type: 'job', version: 2 })
  await journal.close()
  await expect(openJob(dataDir, request, options)).rejects.toMatchObject({ code: 'JOB_NEWER' })
  expect(await readdir(directory)).toEqual([SEGMENT.file])
})

test('a directory that is no job is passed over', async () => {
  const { dataDir, request } = await setUp()
  const { id, directory } = await begin(dataDir, request)
  await mkdir(join(directory, '..', '..', 'something'))
  await writeFile(join(directory, '..', '..', 'file'), '')
  expect((await listJobs(dataDir, options)).map((job) => job.id)).toEqual([id])
})

test('of segments that share frames the longer ones are kept', () => {
  const at = (first: number, frames: number): SegmentRecord => ({
    type: 'segment',
    ...SEGMENT,
    first,
    frames,
  })
  const placesOf = (segments: SegmentRecord[]) =>
    withoutOverlaps(segments).map(({ first, frames }) => [first, frames])
  expect(placesOf([at(10, 5), at(0, 10)])).toEqual([
    [0, 10],
    [10, 5],
  ])
  expect(placesOf([at(0, 4), at(4, 4), at(0, 10)])).toEqual([[0, 10]])
  expect(placesOf([at(0, 4), at(3, 4), at(6, 4)])).toEqual([
    [0, 4],
    [6, 4],
  ])
  expect(placesOf([at(0, 4), at(0, 4)])).toEqual([[0, 4]])
})

async function made(directory: string): Promise<string> {
  await writeFile(join(directory, 'made.mp4'), 'segment')
  return 'made.mp4'
}
