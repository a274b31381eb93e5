/** Things that go wrong while a job runs, drawn by a seed: the same seed breaks the same things at the same times. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { BAD_READS, mendReads, setClock, spoilReads, withBadLuck } from './bad-luck.ts'
import { type CliProcess, ffmpegIn, parentOf } from './cli.ts'
import { makeSmallDisk, type SmallDisk } from './mounts.ts'
import type { Network } from './namespaces.ts'
import { seededRandom } from './random.ts'
import {
  expectExact,
  jobsIn,
  type Lab,
  type LabNode,
  leftIn,
  newHome,
  type RunningJob,
  startEncode,
  startWorker,
} from './swarm.ts'

const KINDS = [
  'cable',
  'bad-cable',
  'deaf-cable',
  'kill-worker',
  'kill-encoder',
  'stop-worker',
  'drain-worker',
  'kill-coordinator',
  'interrupt-coordinator',
  'stop-coordinator',
  'kill-at-the-end',
  'flip-bit',
  'bad-reads',
  'full-worker',
  'full-coordinator',
  'worker-clock',
  'coordinator-clock',
] as const

export interface Fault {
  readonly kind: (typeof KINDS)[number]
  /** Milliseconds after the first segment was given to somebody. */
  readonly atMs: number
  /** Of what ends again: a cable that is out, a process that is stopped or gone. */
  readonly forMs: number
  /** From 0. */
  readonly worker: number
}

export const WORKERS = 3
const FIRST_MS = 300
const LAST_MS = 4_000
const LONGEST_MS = 8_000
const END_MS = 150_000
/** Of their disks, which are full at times: there must be some segments' room for a node to go on. */
const DISK_MEGABYTES = 256
/** A clock is set by so much, back or forth. */
const CLOCK_MS = 86_400_000

/** Three to five of them, in the order of their times. */
export function drawFaults(seed: number): Fault[] {
  const random = seededRandom(seed)
  const integer = (from: number, to: number) => from + Math.floor(random() * (to - from + 1))
  return Array.from({ length: integer(3, 5) }, () => ({
    kind: KINDS[integer(0, KINDS.length - 1)] ?? 'cable',
    atMs: integer(FIRST_MS, LAST_MS),
    forMs: integer(200, LONGEST_MS),
    worker: integer(0, WORKERS - 1),
  })).sort((a, b) => a.atMs - b.atMs)
}

/** What a run came to. */
export interface Played {
  readonly faults: readonly Fault[]
  readonly seconds: number
  /** How often the job was started. */
  readonly starts: number
  readonly segments: number
}

/**
 * Plays a job in which all of these happen; its output must be the source's frames, and nothing may be left.
 *
 * @param network of one host more than there are workers
 * @param params that keep every frame bit for bit
 */
export async function playChaos(
  lab: Lab,
  network: Network,
  params: string,
  faults: readonly Fault[],
): Promise<Played> {
  const began = performance.now()
  const swarm = new ChaoticSwarm(lab, network, params)
  try {
    await swarm.start()
    await Promise.all(faults.map((fault) => swarm.suffer(fault)))
    const job = await swarm.end(END_MS)
    await expectExact(lab, job)
    const starts = swarm.starts
    const segments = job.process.events.filter(
      ({ event, state }) => event === 'segment' && state === 'verified',
    )
    await swarm.stopWorkers()
    expect(ffmpegIn(lab.directory), 'encoders that are left').toEqual([])
    return { faults, seconds: (performance.now() - began) / 1000, starts, segments: segments.length }
  } finally {
    await swarm.kill()
  }
}

class ChaoticSwarm {
  starts = 0
  readonly #lab: Lab
  readonly #network: Network
  readonly #params: string
  readonly #workers: LabNode[] = []
  readonly #turns = new Map<number, Promise<void>>()
  /** By the homes that lie on them. */
  readonly #disks = new Map<string, SmallDisk>()
  #job: RunningJob | undefined
  /** Starts of the coordinator wait for one another. */
  #coordinator: Promise<void> = Promise.resolve()

  constructor(lab: Lab, network: Network, params: string) {
    this.#lab = lab
    this.#network = network
    this.#params = params
  }

  async start(): Promise<void> {
    const places = Array.from({ length: WORKERS }, (_, place) => place)
    await Promise.all(places.map(async (place) => this.#startWorker(place, await this.#newHome())))
    await this.#startJob(['--peers', `${WORKERS}`], await this.#newHome())
    await this.#running.process.event(({ event, state }) => event === 'segment' && state === 'assigned')
  }

  async suffer({ kind, atMs, forMs, worker }: Fault): Promise<void> {
    await sleep(atMs)
    switch (kind) {
      case 'cable':
        await this.#host(worker).plug?.(false)
        await sleep(forMs)
        await this.#host(worker).plug?.(true)
        break
      case 'bad-cable':
        await this.#host(worker).disturb?.(true)
        await sleep(forMs)
        await this.#host(worker).disturb?.(false)
        break
      case 'deaf-cable':
        await this.#host(worker).deafen?.(true)
        await sleep(forMs)
        await this.#host(worker).deafen?.(false)
        break
      case 'bad-reads':
        await spoilReads(this.#worker(worker).home, BAD_READS[forMs % BAD_READS.length] ?? 'flipped')
        await sleep(forMs)
        await mendReads(this.#worker(worker).home)
        break
      case 'full-worker':
        await fullFor(this.#disks.get(this.#worker(worker).home), forMs)
        break
      case 'full-coordinator':
        await fullFor(this.#disks.get(this.#running.home), forMs)
        break
      case 'worker-clock':
        await setClock(this.#worker(worker).home, forMs % 2 === 0 ? CLOCK_MS : -CLOCK_MS)
        break
      case 'coordinator-clock':
        await setClock(this.#running.home, forMs % 2 === 0 ? CLOCK_MS : -CLOCK_MS)
        break
      case 'kill-encoder':
        for (const pid of ffmpegIn(this.#worker(worker).home)) {
          if (parentOf(pid) === this.#worker(worker).process.pid) killIfThere(pid)
        }
        break
      case 'stop-worker':
        await this.#inTurn(worker, ({ process }) => standStill(process, forMs))
        break
      case 'kill-worker':
      case 'drain-worker':
        await this.#inTurn(worker, async ({ process, home }) => {
          process.signal(kind === 'kill-worker' ? 'SIGKILL' : 'SIGTERM')
          await process.ended
          await sleep(forMs)
          await this.#startWorker(worker, home)
        })
        break
      case 'stop-coordinator':
        await standStill(this.#running.process, forMs)
        break
      case 'kill-at-the-end':
        if (!(await this.#isJoined())) break
        await sleep(forMs / 20)
        await this.#restart('SIGKILL', 0)
        break
      case 'kill-coordinator':
        await this.#restart('SIGKILL', forMs)
        break
      case 'interrupt-coordinator':
        await this.#restart('SIGINT', forMs)
        break
      case 'flip-bit':
        await this.#restart('SIGKILL', forMs, flipBit)
        break
    }
  }
  /** The coordinator ends, and is there again after a while. @param meanwhile with its home */
  async #restart(signal: NodeJS.Signals, forMs: number, meanwhile?: (home: string) => void): Promise<void> {
    this.#coordinator = this.#coordinator.then(async () => {
      const { process, home, output } = this.#running
      process.signal(signal)
      const { exitCode } = await process.ended
      // It was done before.
      if (exitCode === 0) return
      meanwhile?.(home)
      await sleep(forMs)
      // Or it was, but for its last word.
      await this.#startJob(existsSync(output) && jobsIn(home).length === 0 ? ['-y'] : [])
    })
    await this.#coordinator
  }

  /** Waits until all segments are there. @returns false: the job was over before */
  async #isJoined(): Promise<boolean> {
    for (;;) {
      const { process } = this.#running
      const seen = await process
        .event(({ event, phase }) => event === 'phase' && phase === 'joining')
        .catch(() => undefined)
      if (seen !== undefined) return true
      if ((await process.ended).exitCode === 0) return false
      await this.#coordinator
      // Nobody starts it again.
      if (this.#running.process === process) return false
    }
  }

  /** Waits for the job, whose coordinator nothing happens to any more; one that could not begin on a full disk is started again. */
  async end(withinMs: number): Promise<RunningJob> {
    const late = sleep(withinMs, 'late' as const, { ref: false })
    for (;;) {
      const job = this.#running
      const ended = await Promise.race([job.process.ended, late])
      const last = job.process.events.at(-1)
      if (ended === 'late') {
        const told = job.process.events.slice(-5).map((event) => JSON.stringify(event))
        throw new Error(`the job does not end:\n${told.join('\n')}`)
      }
      if (ended.exitCode === 0 || last?.code !== 'WORK_DISK_FULL') return job
      await this.#startJob([])
    }
  }

  async stopWorkers(): Promise<void> {
    for (const { process } of this.#workers) process.signal('SIGTERM')
    await Promise.all(this.#workers.map(({ process }) => process.ended))
    expect(
      this.#workers.flatMap(({ home }) => leftIn(home)),
      'of workers',
    ).toEqual([])
  }

  async kill(): Promise<void> {
    const nodes = [...this.#workers, ...(this.#job === undefined ? [] : [this.#job])]
    for (const { process } of nodes) process.signal('SIGKILL')
    await Promise.all(nodes.map(({ process }) => process.ended))
    await Promise.all([...this.#disks.values()].map((disk) => disk.remove()))
  }

  async #newHome(): Promise<string> {
    const home = await newHome(this.#lab)
    this.#disks.set(home, await makeSmallDisk(home, DISK_MEGABYTES))
    return home
  }

  get #running(): RunningJob {
    if (this.#job === undefined) throw new Error('the job has not begun')
    return this.#job
  }

  /** What happens to one worker's process waits for what happened before. */
  async #inTurn(place: number, happen: (worker: LabNode) => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(place) ?? Promise.resolve()).then(() => happen(this.#worker(place)))
    this.#turns.set(place, turn)
    await turn
  }

  #worker(place: number): LabNode {
    const worker = this.#workers[place]
    if (worker === undefined) throw new RangeError(`there is no worker ${place}`)
    return worker
  }

  #host(worker: number): Network['hosts'][number] {
    const host = this.#network.hosts[worker + 1]
    if (host === undefined) throw new RangeError(`there is no host for worker ${worker}`)
    return host
  }

  async #startWorker(place: number, home: string): Promise<void> {
    const { launcher } = this.#host(place)
    const env = withBadLuck(home)
    const name = `worker-${place}`
    this.#workers[place] = await startWorker(this.#lab, { launcher, args: [], home, name, env })
  }

  async #startJob(args: readonly string[], ownHome?: string): Promise<void> {
    this.starts++
    const before = this.#job
    const home = before?.home ?? ownHome ?? ''
    this.#job = await startEncode(this.#lab, {
      launcher: this.#network.hosts[0]?.launcher ?? [],
      params: this.#params,
      network: [],
      args: ['--local', '--segment-time', '1', '--slots', '1', ...args],
      home,
      env: withBadLuck(home),
      ...(before === undefined ? {} : { output: before.output }),
    })
  }
}

async function fullFor(disk: SmallDisk | undefined, forMs: number): Promise<void> {
  await disk?.fill()
  await sleep(forMs)
  await disk?.clear()
}

async function standStill(process: CliProcess, forMs: number): Promise<void> {
  process.signal('SIGSTOP')
  await sleep(forMs)
  process.signal('SIGCONT')
}

/** In the middle of a segment that was verified. */
function flipBit(home: string): void {
  const [directory] = jobsIn(home)
  if (directory === undefined) return
  const segments = join(directory, 'segments')
  const [name] = readdirSync(segments).filter((file) => /\.(mp4|mov)$/.test(file))
  if (name === undefined) return
  const bytes = readFileSync(join(segments, name))
  if (bytes.length === 0) return
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
  writeFileSync(join(segments, name), bytes)
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended since.
  }
}
