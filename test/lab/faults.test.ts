/** Nodes and encoders that are killed in the middle of a job. */
import '../helpers/fast-tools.ts'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { ffmpegIn, LOOPBACK, parentOf, startCli } from '../helpers/cli.ts'
import {
  expectExact,
  expectNothingLeft,
  LOSSLESS,
  leftIn,
  makersOf,
  newHome,
  SLOW_LOSSLESS,
  startEncode,
  startWorker,
  useLab,
} from '../helpers/swarm.ts'

const lab = useLab()

const isLinux = process.platform === 'linux'
const WITHIN_SECONDS = { timeout: 10_000, interval: 50 }

async function expectNoFfmpeg(): Promise<void> {
  await vi.waitFor(() => expect(ffmpegIn(lab.directory)).toEqual([]), WITHIN_SECONDS)
}

/** Two workers, and a job in which the first of them is in the middle of a segment. */
async function inTheMiddle() {
  const [one, other] = await Promise.all([startWorker(lab), startWorker(lab)])
  const job = await startEncode(lab, {
    params: SLOW_LOSSLESS,
    connect: [one, other],
    args: ['--peers', '2', '--no-local', '--segment-time', '2'],
  })
  const begun = await job.process.event(({ event, state, peer }) => {
    return event === 'segment' && state === 'encoding' && peer === one.peer
  })
  return { one, other, job, begun }
}

describe.skipIf(!isLinux)('processes are looked up in /proc, which only Linux has', () => {
  test('a worker that is killed loses nothing: its segment is encoded by another', async () => {
    const { one: victim, other: survivor, job } = await inTheMiddle()
    victim.process.signal('SIGKILL')
    await expectExact(lab, job)
    const left = job.process.events.filter(({ event, state }) => event === 'peer' && state === 'left')
    expect(left.map(({ peer }) => peer)).toEqual([victim.peer])
    const verified = job.process.events.filter(
      ({ event, state }) => event === 'segment' && state === 'verified',
    )
    expect(verified.filter(({ peer }) => peer === victim.peer)).toEqual([])
    expect(new Set(verified.map(({ peer }) => peer))).toEqual(new Set([survivor.peer]))
    await expectNoFfmpeg()
  })

  test('a killed encoder costs one attempt', async () => {
    const worker = await startWorker(lab)
    const job = await startEncode(lab, {
      params: SLOW_LOSSLESS,
      connect: [worker],
      args: ['--peers', '1', '--no-local', '--segment-time', '4'],
    })
    const encoder = await vi.waitFor(() => {
      const pid = ffmpegIn(worker.home).find((candidate) => parentOf(candidate) === worker.process.pid)
      if (pid === undefined) throw new Error('no encoder yet')
      return pid
    }, WITHIN_SECONDS)
    process.kill(encoder, 'SIGKILL')
    await expectExact(lab, job)
    const failed = job.process.events.filter(({ event, state }) => event === 'segment' && state === 'failed')
    expect(failed).toHaveLength(1)
    expect(makersOf(job)).toEqual([worker.peer])
  })

  test('a coordinator that is interrupted ends with 130, and nobody works on', async () => {
    const worker = await startWorker(lab)
    const job = await startEncode(lab, {
      params: SLOW_LOSSLESS,
      connect: [worker],
      // Both at once: the worker would otherwise take this node's place.
      args: ['--peers', '1', '--local', '--segment-time', '4'],
    })
    await vi.waitFor(() => expect(ffmpegIn(lab.directory).length).toBeGreaterThan(1), WITHIN_SECONDS)
    job.process.signal('SIGINT')
    const { exitCode } = await job.process.ended
    expect(exitCode).toBe(130)
    expect(job.process.events.at(-1)).toMatchObject({ event: 'failed', code: 'INTERRUPTED' })
    expect(existsSync(job.output)).toBe(false)
    expectNothingLeft(job)
    await expectNoFfmpeg()
    await vi.waitFor(
      () => expect(leftIn(worker.home).filter((path) => /\.(mp4|mov)$/.test(path))).toEqual([]),
      WITHIN_SECONDS,
    )
  })

  test('an interrupted coordinator leaves an existing output as it was', async () => {
    const home = await newHome(lab)
    const first = await startEncode(lab, { params: LOSSLESS, home })
    await first.process.ended
    const before = await readFile(first.output)
    const again = startCli(
      ['encode', lab.clip, '-o', first.output, '-y', '--json', '--params', SLOW_LOSSLESS, ...LOOPBACK],
      { env: { FFSWARM_HOME: home } },
    )
    await again.event(({ event, state }) => event === 'segment' && state === 'encoding')
    again.signal('SIGINT')
    expect((await again.ended).exitCode).toBe(130)
    const after = await readFile(first.output)
    expect(after.equals(before)).toBe(true)
    expectNothingLeft(first)
  })

  test('one request to end that comes twice, as from timeout(1), still ends in order', async () => {
    const job = await startEncode(lab, { params: SLOW_LOSSLESS })
    await job.process.event(({ event, state }) => event === 'segment' && state === 'encoding')
    job.process.signal('SIGTERM')
    job.process.signal('SIGTERM')
    expect((await job.process.ended).exitCode).toBe(130)
    expect(job.process.events.at(-1)).toMatchObject({ event: 'failed', code: 'INTERRUPTED' })
    expectNothingLeft(job)
    expect(leftIn(job.home).filter((path) => /\.(mp4|mov)$/.test(path))).toEqual([])
    await expectNoFfmpeg()
  })

  test('a coordinator that is killed leaves no encoder, and gets what its worker has in hand when it is back', async () => {
    const worker = await startWorker(lab)
    const job = await startEncode(lab, {
      params: SLOW_LOSSLESS,
      connect: [worker],
      args: ['--peers', '1', '--local', '--segment-time', '5'],
    })
    await job.process.event(({ event, frames }) => event === 'progress' && Number(frames) > 0)
    await worker.process.event(({ event, state }) => event === 'task' && state === 'started')
    job.process.signal('SIGKILL')
    await job.process.ended
    await vi.waitFor(() => expect(ffmpegIn(job.home)).toEqual([]), WITHIN_SECONDS)
    expect(existsSync(job.output)).toBe(false)

    const next = await startEncode(lab, {
      params: SLOW_LOSSLESS,
      connect: [worker],
      args: ['--peers', '1', '--local', '--segment-time', '5'],
      ...{ home: job.home, output: job.output },
    })
    await expectExact(lab, next)
    const tasks = worker.process.events.filter(({ event }) => event === 'task')
    const started = tasks.filter(({ state }) => state === 'started').map(({ task }) => task)
    expect(new Set(started).size).toBe(started.length)
    expect(tasks.some(({ task, state }) => task === started[0] && state === 'acknowledged')).toBe(true)
  })

  test('a worker that is told to leave finishes its segment first', async () => {
    const { one: leaving, begun, job } = await inTheMiddle()
    leaving.process.signal('SIGINT')
    expect((await leaving.process.ended).exitCode).toBe(0)
    expect(leftIn(leaving.home)).toEqual([])
    await expectExact(lab, job)
    // What it had begun it has finished, and nothing more was begun.
    const ofLeaving = job.process.events.filter(
      ({ event, peer }) => event === 'segment' && peer === leaving.peer,
    )
    expect(ofLeaving.some(({ index, state }) => index === begun.index && state === 'verified')).toBe(true)
    const failures = ofLeaving.filter(({ state, code }) => state === 'failed' && code !== 'REFUSED')
    expect(failures).toEqual([])
  })

  test('a worker that is told twice to leave does so at once', async () => {
    const { one: leaving, job } = await inTheMiddle()
    leaving.process.signal('SIGINT')
    await new Promise((resolve) => setTimeout(resolve, 400))
    leaving.process.signal('SIGINT')
    expect((await leaving.process.ended).exitCode).toBe(130)
    await expectExact(lab, job)
  })
})

test('what a crash left in the work directory of an identity goes with its next start', async () => {
  const worker = await startWorker(lab)
  worker.process.signal('SIGKILL')
  await worker.process.ended
  const work = join(worker.home, 'work', worker.peer)
  await mkdir(work, { recursive: true })
  writeFileSync(join(work, 'left.mp4'), 'left by a crash')
  const again = await startWorker(lab, { home: worker.home })
  expect(again.peer).toBe(worker.peer)
  expect(readdirSync(dirname(join(work, 'left.mp4')))).toEqual([])
})
