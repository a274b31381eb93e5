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
}

export async function readMachine(): Promise<Machine> {
  const [bootId, status] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => hostname()),
    readFile('/proc/self/status', 'utf8').catch(() => ''),
  ])
  return {
    id: createHash('sha256').update(`ffswarm machine ${bootId.trim()}`).digest('hex').slice(0, 32),
    cpus: parseCpuList(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? ''),
    cores: availableParallelism(),
  }
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
