/** A swarm of whole nodes for one test: workers, jobs, their homes and what they leave behind. */
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { type CliOptions, type CliProcess, LOOPBACK, startCli } from './cli.ts'
import { decodedFrames, ffmpeg } from './ffmpeg.ts'

/** Slow enough that something can happen meanwhile, and bit for bit comparable whoever encodes what. */
export const SLOW_LOSSLESS = '-c:v libx264 -qp 0 -preset veryslow -threads 1'
export const LOSSLESS = '-c:v ffv1'

export interface Lab {
  readonly directory: string
  /** 10 s, 250 frames, a keyframe every 2 s, with audio. */
  readonly clip: string
  /** A path in a directory of its own, so that what is left beside it shows. */
  newOutput(extension: string): Promise<string>
}

/** A directory with a clip for the tests of a file. */
export function useLab(): Lab {
  const lab = { directory: '', clip: '' }
  beforeAll(async () => {
    lab.directory = await mkdtemp(join(tmpdir(), 'ffswarm-lab-'))
    lab.clip = join(lab.directory, 'clip.mp4')
    await ffmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=10'],
      ...['-f', 'lavfi', '-i', 'sine=sample_rate=48000:duration=10'],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-x264-params', 'keyint=50:bframes=3:open-gop=1'],
      ...['-c:a', 'aac', lab.clip],
    )
  })
  afterAll(async () => await rm(lab.directory, { recursive: true, force: true }))
  return {
    get directory() {
      return lab.directory
    },
    get clip() {
      return lab.clip
    },
    async newOutput(extension) {
      const directory = await mkdtemp(join(lab.directory, 'out-'))
      return join(directory, `film.${extension}`)
    },
  }
}

export interface LabNode {
  readonly process: CliProcess
  readonly home: string
  readonly peer: string
  readonly addresses: readonly string[]
}

let homes = 0

export async function newHome(lab: Lab): Promise<string> {
  const home = join(lab.directory, `home-${homes++}`)
  await mkdir(home)
  return home
}

/** A worker that is ready. */
export async function startWorker(
  lab: Lab,
  { home, args = LOOPBACK, name = 'worker', ...options }: WorkerOptions = {},
): Promise<LabNode> {
  const ownHome = home ?? (await newHome(lab))
  const process = startCli(['join', '--json', '--slots', '1', '--name', name, ...args], {
    ...options,
    env: { ...options.env, FFSWARM_HOME: ownHome },
  })
  const ready = await process.event(({ event }) => event === 'ready')
  return {
    process,
    home: ownHome,
    peer: String(ready.peer),
    addresses: ready.addresses as string[],
  }
}

export interface WorkerOptions extends CliOptions {
  home?: string
  args?: readonly string[]
  name?: string
}

export interface RunningJob {
  readonly process: CliProcess
  readonly home: string
  readonly output: string
}

/** Starts an encode of the lab's clip. */
export async function startEncode(lab: Lab, setup: EncodeSetup): Promise<RunningJob> {
  const { params, extension = 'mkv', network = LOOPBACK, connect = [], args = [], ...options } = setup
  const ownHome = setup.home ?? (await newHome(lab))
  const output = setup.output ?? (await lab.newOutput(extension))
  const process = startCli(
    [
      ...['encode', lab.clip, '-o', output, '--json', '--params', params, ...network],
      ...connect.flatMap(({ addresses }) => ['--connect', addresses[0] ?? '']),
      ...args,
    ],
    { ...options, env: { ...options.env, FFSWARM_HOME: ownHome } },
  )
  return { process, home: ownHome, output }
}

export interface EncodeSetup extends CliOptions {
  params: string
  extension?: string
  home?: string
  /** By default one of its own. */
  output?: string
  network?: readonly string[]
  connect?: readonly LabNode[]
  args?: readonly string[]
}

/** The job has ended well, its output has the source's frames bit for bit, and nothing else is left. */
export async function expectExact(lab: Lab, job: RunningJob): Promise<void> {
  const { exitCode, stderr } = await job.process.ended
  expect(stderr).toBe('')
  expect(exitCode).toBe(0)
  await expectFrames(lab, job)
  expectNothingLeft(job)
  expect(jobsIn(job.home), 'of unfinished jobs').toEqual([])
}

/** The output has the source's frames bit for bit, each at its time. */
export async function expectFrames(lab: Lab, { output }: Pick<RunningJob, 'output'>): Promise<void> {
  const [frames, wanted] = await Promise.all([decodedFrames(output), sourceFrames(lab)])
  expect(frames.map(md5Of)).toEqual(wanted.map(md5Of))
  // The clip's audio starts before its video does, by what its encoder needs: times are compared from the first frame.
  expect(secondsFromFirst(frames, 1000)).toEqual(secondsFromFirst(wanted, 12800))
}

export function expectNothingLeft({ home, output }: RunningJob): void {
  const beside = readdirSync(dirname(output)).filter((name) => name !== basename(output))
  expect(beside, 'beside the output').toEqual([])
  expect(leftIn(home), 'in the work directory').toEqual([])
}

/** What lies in the work directories of a home. */
export function leftIn(home: string): string[] {
  const work = join(home, 'work')
  return existsSync(work) ? readdirSync(work, { recursive: true, encoding: 'utf8' }) : []
}

/** The directories of unfinished jobs in a home. */
export function jobsIn(home: string): string[] {
  const parent = join(home, 'jobs')
  if (!existsSync(parent)) return []
  return readdirSync(parent).flatMap((machine) => {
    const jobs = readdirSync(join(parent, machine)).filter((name) => !name.startsWith('.'))
    return jobs.map((id) => join(parent, machine, id))
  })
}

const decoded = new Map<string, Promise<string[]>>()

function sourceFrames({ clip }: Lab): Promise<string[]> {
  const frames = decoded.get(clip) ?? decodedFrames(clip)
  decoded.set(clip, frames)
  return frames
}

function md5Of(frame: string): string {
  return frame.split(' ')[1] ?? ''
}

/** At 25 frames per second each time is a whole number of milliseconds. */
function secondsFromFirst(frames: readonly string[], ticksPerSecond: number): number[] {
  const times = frames.map((frame) => Number(frame.split(' ')[0]) / ticksPerSecond)
  return times.map((time) => Math.round((time - (times[0] ?? 0)) * 1000) / 1000)
}

/** PeerIds that made verified segments. */
export function makersOf({ process }: RunningJob): string[] {
  const verified = process.events.filter(({ event, state }) => event === 'segment' && state === 'verified')
  return [...new Set(verified.map(({ peer }) => String(peer)))]
}
