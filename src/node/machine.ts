/** What this node may use of the machine, and an opaque id by which nodes on one machine know each other. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { availableParallelism, hostname } from 'node:os'

export interface Machine {
  /** The same for all nodes on a machine, and nothing that names it. */
  readonly id: string
  /** The CPUs this process may run on; empty where the system does not say. */
  readonly cpus: readonly number[]
  readonly cores: number
  /** Cores' worth of time that a control group lets this process have (Linux containers); undefined: no limit. */
  readonly quota: number | undefined
}

export async function readMachine(): Promise<Machine> {
  const [bootId, status, quota] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => hostname()),
    readFile('/proc/self/status', 'utf8').catch(() => ''),
    readQuota(),
  ])
  return {
    id: createHash('sha256').update(`ffswarm machine ${bootId.trim()}`).digest('hex').slice(0, 32),
    cpus: parseCpuList(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? ''),
    cores: availableParallelism(),
    quota,
  }
}

/** Cores' worth of time, by this process's own control group; those around it may have less. It can be set anew at any time. */
export async function readQuota(): Promise<number | undefined> {
  const groups = await readFile('/proc/self/cgroup', 'utf8').catch(() => '')
  const [, unified] = /^0::(.*)$/m.exec(groups) ?? []
  const [, byCpu] = /^\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(.*)$/m.exec(groups) ?? []
  const files = [
    ...(unified === undefined ? [] : [[`/sys/fs/cgroup${unified}/cpu.max`]]),
    ...(byCpu === undefined
      ? []
      : [['quota', 'period'].map((what) => `/sys/fs/cgroup/cpu${byCpu}/cpu.cfs_${what}_us`)]),
  ]
  for (const paths of files) {
    const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => '')))
    const quota = parseQuota(texts.join(' '))
    if (quota !== undefined) return quota
  }
  return undefined
}

/** `50000 100000`, microseconds in so many, as cores; undefined for `max 100000`, `-1 100000` and whatever says nothing. */
export function parseQuota(text: string): number | undefined {
  const [, quota, period] = /^\s*(\d+)\s+([1-9]\d*)\s*$/.exec(text) ?? []
  return quota === undefined || period === undefined ? undefined : Number(quota) / Number(period)
}

/** `0-3,8` of the Linux kernel's cpulist format as single numbers. */
export function parseCpuList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part)
    if (match === null) return []
    const first = Number(match[1])
    const last = Math.min(Number(match[2] ?? first), first + 1023)
    return Array.from({ length: last - first + 1 }, (_, step) => first + step)
  })
}

/** Whether two nodes would compete for a CPU. */
export function sharesCpus(a: Machine, b: { host: string; cpus: readonly number[] }): boolean {
  if (a.id !== b.host) return false
  return a.cpus.length === 0 || b.cpus.length === 0 || a.cpus.some((cpu) => b.cpus.includes(cpu))
}

/**
 * How many segments to encode at once: encoders fill about four cores well, and two processes of half the threads
 * beat one of all (measured for x264).
 */
export function defaultSlots(cores: number): number {
  return Math.max(1, Math.min(16, Math.round(cores / 4)))
}
