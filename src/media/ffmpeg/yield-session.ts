/**
 * Linux shares the CPU among sessions first (autogroups, see sched(7)), and among the processes of each by their priority: a session of
 * encoders must yield as a whole, or the lowest priority takes half of the machine from whoever works on it.
 */
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** @param pid of a process in that session; where the system has no such groups nothing is done */
export async function yieldSession(pid: number): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    try {
      await writeFile(`/proc/${pid}/autogroup`, '19', { flag: 'r+' })
      return
    } catch (error) {
      // All users together may do so ten times a second.
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return
      await sleep(RETRY_MS, undefined, { ref: false })
    }
  }
}

const TRIES_MAX = 20
const RETRY_MS = 110
