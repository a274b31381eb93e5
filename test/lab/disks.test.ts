/** Disks that fill up in the middle of a job. */
import '../helpers/fast-tools.ts'
import { mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decodedFrames } from '../helpers/ffmpeg.ts'
import { onFullDisk, whyNoMounts } from '../helpers/mounts.ts'
import { LOSSLESS, makersOf, newHome, startEncode, startWorker, useLab } from '../helpers/swarm.ts'

const reason = await whyNoMounts()
if (reason !== undefined) process.stderr.write(`skipped, full disks: ${reason}\n`)

const lab = useLab()

/** Some megabytes in all. */
const LARGE = `${LOSSLESS} -vf scale=640:-2`

describe.skipIf(reason !== undefined)('a disk that is full for a while', () => {
  test('pauses the job of the coordinator whose it is, which goes on by itself', async () => {
    const home = await newHome(lab)
    const job = await startEncode(lab, {
      params: LARGE,
      home,
      launcher: onFullDisk(home, { freeMegabytes: 2, seconds: 5 }),
      args: ['--segment-time', '1', '--slots', '1'],
    })
    const paused = await job.process.event(({ event }) => event === 'paused')
    expect(paused).toMatchObject({ code: 'WORK_DISK_FULL', message: expect.stringContaining(home) })
    await job.process.event(({ event }) => event === 'continued')
    expect(await job.process.ended).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await decodedFrames(job.output)).toHaveLength(250)
    const verified = job.process.events.filter(
      ({ event, state }) => event === 'segment' && state === 'verified',
    )
    expect(new Set(verified.map(({ startPts }) => startPts)).size).toBe(verified.length)
  })

  test('costs no result that comes while it is: its bytes are brought when there is room', async () => {
    const home = await newHome(lab)
    const worker = await startWorker(lab)
    const job = await startEncode(lab, {
      params: LARGE,
      home,
      connect: [worker],
      launcher: onFullDisk(home, { freeMegabytes: 1, seconds: 7 }),
      args: ['--peers', '1', '--no-local', '--segment-time', '5'],
    })
    await job.process.event(({ event }) => event === 'paused')
    expect(await job.process.ended).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await decodedFrames(job.output)).toHaveLength(250)
    const failed = job.process.events.filter(({ event, state }) => event === 'segment' && state === 'failed')
    expect(failed).toEqual([])
    const started = worker.process.events.filter(
      ({ event, state }) => event === 'task' && state === 'started',
    )
    expect(started).toHaveLength(2)
  })

  test('is told of before the film is made on it, and has the join wait', async () => {
    const output = await lab.newOutput('mkv')
    const kept = join(lab.directory, 'kept')
    await mkdir(kept)
    const job = await startEncode(lab, {
      params: LARGE,
      output,
      launcher: onFullDisk(dirname(output), { freeMegabytes: 1, seconds: 8, copyTo: kept }),
      args: ['--segment-time', '2'],
    })
    const warning = await job.process.event(({ event }) => event === 'warning')
    expect(warning).toMatchObject({ message: expect.stringContaining(dirname(output)) })
    const paused = await job.process.event(({ event }) => event === 'paused')
    expect(paused).toMatchObject({ code: 'OUTPUT_DISK_FULL', message: expect.stringMatching(/\d MB/) })
    expect(await job.process.ended).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await readdir(kept)).toEqual(['film.mkv'])
    expect(await decodedFrames(join(kept, 'film.mkv'))).toHaveLength(250)
  })

  test('has a worker take nothing, and hand on what it was at', async () => {
    const home = await newHome(lab)
    const full = await startWorker(lab, {
      home,
      launcher: onFullDisk(home, { freeMegabytes: 1, seconds: 60 }),
    })
    const other = await startWorker(lab)
    const job = await startEncode(lab, {
      params: LARGE,
      connect: [full, other],
      args: ['--peers', '2', '--no-local', '--segment-time', '2'],
    })
    expect(await job.process.ended).toMatchObject({ exitCode: 0, stderr: '' })
    expect(makersOf(job)).toEqual([other.peer])
    const failed = job.process.events.filter(({ event, state }) => event === 'segment' && state === 'failed')
    expect(failed.length).toBeGreaterThan(0)
    expect(failed[0]).toMatchObject({ peer: full.peer, code: 'DISK_FULL' })
    // From then on it says no before it begins.
    expect(failed.slice(1).every(({ code }) => code === 'REFUSED')).toBe(true)
  })
})
