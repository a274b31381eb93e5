/** Jobs whose coordinator ends before they do, and that go on. */
import '../helpers/fast-tools.ts'
import { appendFileSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Event, LOOPBACK, runCli, startCli } from '../helpers/cli.ts'
import { seededRandom } from '../helpers/random.ts'
import {
  expectExact,
  jobsIn,
  LOSSLESS,
  type RunningJob,
  startEncode,
  startWorker,
  useLab,
} from '../helpers/swarm.ts'

const lab = useLab()

/** Slow enough to be interrupted. */
const MEDIUM = '-c:v libx264 -qp 0 -preset slow -threads 1'

const SHORT = ['--segment-time', '2', '--slots', '2']

const isVerified = ({ event, state }: Event) => event === 'segment' && state === 'verified'

/** Waits for so many verified segments, and ends the coordinator. */
async function endAfter(job: RunningJob, segments: number, signal: NodeJS.Signals) {
  await job.process.event(() => job.process.events.filter(isVerified).length >= segments)
  job.process.signal(signal)
  return await job.process.ended
}

function resume({ home, output }: RunningJob, args: readonly string[] = []): RunningJob {
  const process = startCli(['resume', '--json', ...LOOPBACK, ...args], { env: { FFSWARM_HOME: home } })
  return { process, home, output }
}

function segmentsIn(home: string): string[] {
  return jobsIn(home).flatMap((job) =>
    readdirSync(join(job, 'segments')).map((name) => join(job, 'segments', name)),
  )
}

/** Half-open stretches of the source's ticks that were encoded. */
function encodedBy({ process }: RunningJob): [start: number, end: number][] {
  return process.events.filter(isVerified).map(({ startPts, endPts }) => [Number(startPts), Number(endPts)])
}

describe('a coordinator that is killed', () => {
  test('goes on where it was with the same command, whenever that happens', async () => {
    const random = seededRandom(4)
    let home: string | undefined
    let output: string | undefined
    const before: [number, number][] = []
    for (let deaths = 0; ; deaths++) {
      const job = await startEncode(lab, {
        params: MEDIUM,
        args: SHORT,
        ...(home === undefined ? {} : { home }),
        ...(output === undefined ? {} : { output }),
      })
      ;({ home, output } = job)
      if (deaths < 2) {
        await endAfter(job, 1 + Math.floor(random() * 2), 'SIGKILL')
      } else {
        await expectExact(lab, job)
      }
      // Whatever was told to be verified is never encoded again.
      for (const [start, end] of encodedBy(job)) {
        expect(before.filter(([from, to]) => from < end && start < to)).toEqual([])
      }
      before.push(...encodedBy(job))
      if (deaths === 2) break
    }
  })

  test('goes on with "resume", and with the work of others', async () => {
    const worker = await startWorker(lab)
    const job = await startEncode(lab, {
      params: MEDIUM,
      connect: [worker],
      args: ['--peers', '1', '--no-local', '--segment-time', '2'],
    })
    await endAfter(job, 3, 'SIGKILL')
    const listed = await runCli(['jobs', '--json'], { env: { FFSWARM_HOME: job.home } })
    const [unfinished] = listed.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(unfinished).toMatchObject({ frames: 250, isRunning: false })
    expect(unfinished.segments).toBeGreaterThanOrEqual(3)
    const again = resume(job, ['--connect', worker.addresses[0] ?? ''])
    await expectExact(lab, again)
    const resumed = again.process.events.find(({ event }) => event === 'resumed')
    expect(resumed?.segments).toBe(unfinished.segments)
    const done = again.process.events.find(({ event }) => event === 'done')
    expect(done?.peers).toMatchObject([{ peer: worker.peer, frames: 250 }])
  })

  test('encodes again what the disk has changed or lost meanwhile, and nothing else', async () => {
    const job = await startEncode(lab, { params: MEDIUM, args: SHORT })
    await endAfter(job, 3, 'SIGKILL')
    const [directory = ''] = jobsIn(job.home)
    const journal = readFileSync(join(directory, 'journal'), 'utf8')
    const files = [...journal.matchAll(/"file":"([^"]+)"/g)].map(([, name = '']) =>
      join(directory, 'segments', name),
    )
    const [flipped = '', longer = '', ...whole] = files
    const bytes = readFileSync(flipped)
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    writeFileSync(flipped, bytes)
    appendFileSync(longer, 'x')
    const again = resume(job)
    await expectExact(lab, again)
    const resumed = again.process.events.find(({ event }) => event === 'resumed')
    expect(resumed?.segments).toBe(whole.length)
  })

  test('begins anew where the source has changed', async () => {
    const source = join(lab.directory, 'changing.mp4')
    await copyFile(lab.clip, source)
    const job = await startEncode(
      { ...lab, clip: source },
      {
        params: MEDIUM,
        args: SHORT,
      },
    )
    await endAfter(job, 2, 'SIGKILL')
    utimesSync(source, 1000, 1000)
    const again = resume(job)
    const warning = await again.process.event(({ event }) => event === 'warning')
    expect(warning.message).toContain('has changed since')
    await again.process.event(isVerified)
    expect(again.process.events.some(({ event }) => event === 'resumed')).toBe(false)
  })
})

test('an interrupted job keeps its segments, says so, and goes on', async () => {
  const job = await startEncode(lab, { params: MEDIUM, args: SHORT })
  const { exitCode, stderr } = await endAfter(job, 2, 'SIGINT')
  expect(exitCode).toBe(130)
  expect(stderr).toMatch(/interrupted; \d segments are kept: .*'ffswarm resume [0-9a-f]{12}'/)
  expect(job.process.events.at(-1)).toMatchObject({ event: 'failed', code: 'INTERRUPTED' })
  expect(segmentsIn(job.home)).toHaveLength(job.process.events.filter(isVerified).length)
  await expectExact(lab, resume(job))
})

test('a job whose nodes are all gone ends with 4, and goes on when some are back', async () => {
  const worker = await startWorker(lab)
  const job = await startEncode(lab, {
    params: MEDIUM,
    connect: [worker],
    args: ['--peers', '1', '--no-local', '--segment-time', '2', '--wait', '1'],
  })
  await job.process.event(() => job.process.events.filter(isVerified).length >= 2)
  worker.process.signal('SIGKILL')
  const { exitCode, stderr } = await job.process.ended
  expect(stderr).toContain('segments are kept')
  expect(exitCode).toBe(4)
  const failed = job.process.events.at(-1)
  expect(failed).toMatchObject({ event: 'failed', code: 'PEERS_LOST' })
  const other = await startWorker(lab)
  await expectExact(lab, resume(job, [String(failed?.job), '--connect', other.addresses[0] ?? '']))
})

test('the same job does not run twice at once; other jobs do not mind', async () => {
  const job = await startEncode(lab, { params: MEDIUM, args: SHORT })
  await job.process.event(isVerified)
  const { home, output } = job
  const twin = await startEncode(lab, { params: MEDIUM, home, output })
  expect(await twin.process.ended).toMatchObject({ exitCode: 1 })
  expect(twin.process.events.at(-1)).toMatchObject({ event: 'failed', code: 'JOB_RUNNING' })
  const other = await startEncode(lab, { params: LOSSLESS, home })
  await other.process.event(isVerified)
})

test('a job that is discarded leaves nothing, and there is none to go on with', async () => {
  const job = await startEncode(lab, { params: MEDIUM, args: SHORT })
  await endAfter(job, 1, 'SIGKILL')
  const env = { FFSWARM_HOME: job.home }
  const [id = ''] = jobsIn(job.home).map((path) => path.split('/').at(-1) ?? '')
  const discarded = await runCli(['jobs', '--discard', id], { env })
  expect(discarded).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(id) })
  expect(jobsIn(job.home)).toEqual([])
  const none = await resume(job).process.ended
  expect(none.exitCode).toBe(1)
  expect(none.stderr).toContain('there is no unfinished job on this machine')
})

test('a source that becomes another file while its job waits for others is noticed before anything is made of it', async () => {
  const clip = join(lab.directory, 'replaced.mp4')
  await copyFile(lab.clip, clip)
  const worker = await startWorker(lab)
  worker.process.signal('SIGSTOP')
  const place = { directory: lab.directory, clip, newOutput: lab.newOutput }
  const job = await startEncode(place, { params: LOSSLESS, connect: [worker], args: ['--peers', '1'] })
  await job.process.event(({ event, phase }) => event === 'phase' && phase === 'waiting')
  utimesSync(clip, 1e9, 1e9)
  worker.process.signal('SIGCONT')
  expect(await job.process.ended).toMatchObject({ exitCode: 1 })
  expect(job.process.events.at(-1)).toMatchObject({ event: 'failed', code: 'SOURCE_CHANGED' })
  expect(job.process.events.filter(({ event }) => event === 'segment')).toEqual([])
  expect(jobsIn(job.home)).toEqual([])
})
