/**
 * Ends what a node that was killed has left in its sandboxes. Bubblewrap's inner process ends with the outer one from the moment on when
 * it has told the kernel so: where that is killed in the milliseconds before, it stays behind, asleep for ever or with an encoder.
 */
import { readdir, readFile } from 'node:fs/promises'

/** @param dataDir whose files they were given @returns how many there were */
export async function sweepSandboxes(dataDir: string): Promise<number> {
  const entries = await readdir('/proc').catch(() => [])
  const pids = entries.filter((name) => /^\d+$/.test(name)).map(Number)
  const left = await Promise.all(pids.map(async (pid) => await isLeft(pid, dataDir)))
  const ended = pids.filter((_, at) => left[at])
  for (const pid of ended) {
    try {
      // The first of its namespace: all in there end with it.
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself, or is another user's.
    }
  }
  return ended.length
}

const BWRAP = 'bwrap'

/** Whether it is bubblewrap as the first process of a namespace of its own, whose outer one is gone, and with such files. */
async function isLeft(pid: number, dataDir: string): Promise<boolean> {
  try {
    if ((await nameOf(pid)) !== BWRAP) return false
    const status = await readFile(`/proc/${pid}/status`, 'latin1')
    const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? ''
    const places = field('NSpid').split(/\s+/)
    if (places.length < 2 || places.at(-1) !== '1') return false
    if ((await nameOf(Number(field('PPid')))) === BWRAP) return false
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
    return words.some((word) => word.startsWith(`${dataDir}/`))
  } catch {
    return false
  }
}

async function nameOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8')).trimEnd()
}
