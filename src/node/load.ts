/** How much of the machine other programs use. */
import { cpus } from 'node:os'

/** Milliseconds of all cores together, since the machine's start. */
export interface CpuTimes {
  /** Spent at a usual priority: encoders have the lowest, and are not in it. */
  readonly others: number
  readonly idle: number
  readonly total: number
  readonly cores: number
}

export function readCpuTimes(): CpuTimes {
  const all = cpus()
  let [others, total, idle] = [0, 0, 0]
  for (const { times } of all) {
    idle += times.idle
    others += times.user + times.sys + times.irq
    total += times.user + times.sys + times.irq + times.nice + times.idle
  }
  return { others, idle, total, cores: all.length }
}

/** What was seen this many looks ago counts a third. */
const MEMORY_LOOKS = 5

/** The cores in use by others, an average over the last looks. */
export class LoadMeter {
  #before: CpuTimes
  #cores = 0

  constructor(times: CpuTimes) {
    this.#before = times
  }

  get cores(): number {
    return this.#cores
  }

  /** @param counts whether this stretch of time tells of others: where encoders are not counted apart, only while none runs */
  look(times: CpuTimes, counts = true): void {
    const { others, total } = this.#before
    this.#before = times
    if (!counts || times.total <= total) return
    const latest = ((times.others - others) / (times.total - total)) * times.cores
    this.#cores += (1 - Math.exp(-1 / MEMORY_LOOKS)) * (latest - this.#cores)
  }
}

export const LOOK_EVERY_MS = 1_000

export interface LoadWatch {
  readonly cores: number
  stop(): void
}

/** @param isWorking whether encoders of this node run */
export function watchLoad(platform: NodeJS.Platform, isWorking: () => boolean): LoadWatch {
  const meter = new LoadMeter(readCpuTimes())
  const timer = setInterval(
    () => meter.look(readCpuTimes(), platform === 'linux' || !isWorking()),
    LOOK_EVERY_MS,
  )
  timer.unref()
  return {
    get cores() {
      return meter.cores
    },
    stop: () => clearInterval(timer),
  }
}
