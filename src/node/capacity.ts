/**
 * How many segments this machine encodes at once: found by looking at what its encoders leave idle. Many fill few cores, whatever
 * they are told (libvpx at low resolutions one, x264 about sixteen), and how many depends on params and film.
 */
import type { Usage } from '../media/index.ts'
import type { CpuTimes } from './load.ts'

export interface CapacityInit {
  /** To begin with. */
  readonly slots: number
  /** The user has said how many. */
  readonly isFixed: boolean
  /** Of the machine, now. */
  readonly times: CpuTimes
}

interface Encoding {
  readonly began: number
  /** Where its use of the CPU is counted from: the start of a process says little. */
  from: { readonly at: number; readonly cpuSeconds: number } | undefined
  cores: number | undefined
  rssBytes: number
}

/** An encoder has read ahead by then, and has taken what memory it takes. */
const SETTLED_SECONDS = 3
/** Between two looks. */
const LOOK_SECONDS = 1
/** So much of what one more encoder would use must be idle for it to be worth its start and its cuts. */
const WORTHWHILE = 0.5
/** Memory that one more encoder would take, and some more: frames differ. */
const MEMORY_MARGIN = 1.25
export const SLOTS_MAX = 64

export class Capacity {
  readonly #init: CapacityInit
  readonly #encodings = new Map<object, Encoding>()
  #slots: number
  #job: string | undefined
  #lookedAt = Number.NEGATIVE_INFINITY
  #times: CpuTimes

  constructor(init: CapacityInit) {
    this.#init = init
    this.#slots = init.slots
    this.#times = init.times
  }

  get slots(): number {
    return this.#slots
  }

  /**
   * @param task a key for it
   * @param job what was found out for one need not be true of another
   * @param now seconds
   */
  begin(task: object, job: string, now: number): void {
    if (this.#encodings.size === 0 && job !== this.#job) this.#slots = this.#init.slots
    this.#job = job
    this.#encodings.set(task, { began: now, from: undefined, cores: undefined, rssBytes: 0 })
  }

  end(task: object): void {
    this.#encodings.delete(task)
  }

  use(task: object, { cpuSeconds, rssBytes }: Usage, now: number): void {
    const encoding = this.#encodings.get(task)
    if (encoding === undefined) return
    encoding.rssBytes = Math.max(encoding.rssBytes, rssBytes)
    const { from } = encoding
    // Tried again, it begins anew.
    if (from === undefined || cpuSeconds < from.cpuSeconds) encoding.from = { at: now, cpuSeconds }
    else if (now - from.at >= LOOK_SECONDS) encoding.cores = (cpuSeconds - from.cpuSeconds) / (now - from.at)
  }

  /** It waits for bytes of its source: what it leaves idle meanwhile is room for nothing. */
  starve(task: object): void {
    const encoding = this.#encodings.get(task)
    if (encoding === undefined) return
    encoding.from = undefined
    encoding.cores = undefined
  }

  /** Whether there is anything to look at. */
  get isOpen(): boolean {
    return !this.#init.isFixed && this.#encodings.size > 0
  }

  /**
   * Adds a slot where there is room for one.
   *
   * @param freeBytes of memory
   * @param cores that this node may use by now
   */
  look(times: CpuTimes, freeBytes: number, cores: number, now: number): void {
    if (this.#init.isFixed || now - this.#lookedAt < LOOK_SECONDS) return
    const idle = idleCores(this.#times, times)
    this.#lookedAt = now
    this.#times = times
    const encodings = [...this.#encodings.values()]
    if (encodings.length < this.#slots || this.#slots >= SLOTS_MAX) return
    if (encodings.some(({ began, cores }) => cores === undefined || now - began < SETTLED_SECONDS)) return
    const used = encodings.reduce((sum, { cores = 0 }) => sum + cores, 0)
    const one = used / encodings.length
    const room = Math.min(idle, cores - used)
    const memory = Math.max(...encodings.map(({ rssBytes }) => rssBytes))
    if (one > 0 && room >= WORTHWHILE * one && freeBytes >= MEMORY_MARGIN * memory) this.#slots++
  }
}

function idleCores(before: CpuTimes, after: CpuTimes): number {
  const total = after.total - before.total
  return total <= 0 ? 0 : ((after.idle - before.idle) / total) * after.cores
}
