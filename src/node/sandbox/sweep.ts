/**
 * Ends what a node that was killed has left in its sandboxes. Bubblewrap's inner process ends with the outer one from the moment on when
 * it has told the kernel so: where that is killed in the milliseconds before, it stays behind, asleep for ever or with an encoder.
 */
import { readdir, readFile } from 'node:fs/promises'

/** @param dataDir whose files they were given @returns how many there were */
export async function sweepSandboxes(dataDir: string): Promise<number> {
  const found = await Promise.all((await readdir('/proc').catch(() => [])).map((name) => readProcess(name)))
  const processes = new Map(
    found.flatMap((process) => (process === undefined ? [] : [[process.pid, process]])),
  )
  const left = [...processes.values()].filter(
    ({ isInner, parent, words }) =>
      isInner &&
      processes.get(parent)?.name !== BWRAP &&
      words.some((word) => word.startsWith(`${dataDir}/`)),
  )
  for (const { pid } of left) {
    try {
      // The first of its namespace: all in there end with it.
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself, or is another user's.
    }
  }
  return left.length
}

const BWRAP = 'bwrap'

interface Found {
  readonly pid: number
  readonly name: string
  readonly parent: number
  /** Bubblewrap as the first process of a namespace of its own. */
  readonly isInner: boolean
  readonly words: readonly string[]
}

async function readProcess(entry: string): Promise<Found | undefined> {
  if (!/^\d+$/.test(entry)) return undefined
  try {
    const status = await readFile(`/proc/${entry}/status`, 'latin1')
    const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? ''
    const name = field('Name')
    const places = field('NSpid').split(/\s+/)
    const isInner = name === BWRAP && places.length > 1 && places.at(-1) === '1'
    const words = isInner ? (await readFile(`/proc/${entry}/cmdline`, 'utf8')).split('\0') : []
    return { pid: Number(entry), name, parent: Number(field('PPid')), isInner, words }
  } catch {
    return undefined
  }
}
