/** Things that go wrong while a job runs, drawn by a seed: the same seed breaks the same things at the same times. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { type CliProcess, ffmpegIn, parentOf } from './cli.ts'
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
  'kill-worker',
  'kill-encoder',
  'stop-worker',
  'drain-worker',
  'kill-coordinator',
  'interrupt-coordinator',
  'stop-coordinator',
  'flip-bit',
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
const LAST_MS = 6_000
const LONGEST_MS = 8_000
const END_MS = 150_000

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
    await Promise.all(places.map(async (place) => this.#startWorker(place, await newHome(this.#lab))))
    await this.#startJob(['--peers', `${WORKERS}`])
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
      case 'kill-coordinator':
      case 'interrupt-coordinator':
      case 'flip-bit':
        this.#coordinator = this.#coordinator.then(async () => {
          const { process, home } = this.#running
          process.signal(kind === 'interrupt-coordinator' ? 'SIGINT' : 'SIGKILL')
          const { exitCode } = await process.ended
          // It was done before.
          if (exitCode === 0) return
          if (kind === 'flip-bit') flipBit(home)
          await sleep(forMs)
          await this.#startJob([])
        })
        await this.#coordinator
        break
    }
  }

  /** Waits for the job, whose coordinator nothing happens to any more. */
  async end(withinMs: number): Promise<RunningJob> {
    const job = this.#running
    const late = sleep(withinMs, 'late' as const, { ref: false })
    if ((await Promise.race([job.process.ended, late])) === 'late') {
      const last = job.process.events.slice(-5).map((event) => JSON.stringify(event))
      throw new Error(`the job does not end:\n${last.join('\n')}`)
    }
    return job
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
    for (const { process } of [...this.#workers, ...(this.#job === undefined ? [] : [this.#job])]) {
      process.signal('SIGKILL')
    }
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
    this.#workers[place] = await startWorker(this.#lab, { launcher, args: [], home, name: `worker-${place}` })
  }

  async #startJob(args: readonly string[]): Promise<void> {
    this.starts++
    const before = this.#job
    this.#job = await startEncode(this.#lab, {
      launcher: this.#network.hosts[0]?.launcher ?? [],
      params: this.#params,
      network: [],
      args: ['--local', '--segment-time', '1', '--slots', '1', ...args],
      ...(before === undefined ? {} : { home: before.home, output: before.output }),
    })
  }
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
