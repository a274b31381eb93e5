/** A job's directory, and what becomes of it. */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isErrno } from '../../errno.ts'
import { machineName } from '../../machine-name.ts'
import type { JournalRecord } from './records.ts'

export function jobsDirectory(dataDir: string): string {
  return join(dataDir, 'jobs', machineName())
}

/** The jobs that have one. */
export async function jobsIn(parent: string): Promise<string[]> {
  try {
    return (await readdir(parent)).filter((name) => /^[0-9a-f]{12}$/.test(name))
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
}

/** Files beside outputs that a process before this one could not remove. */
export async function removePartials(records: readonly JournalRecord[]): Promise<void> {
  for (const record of records) {
    if (record.type !== 'partial') continue
    // Nothing but what this program names so.
    if (/^\..*\.[0-9a-f]{8}\.partial/.test(basename(record.path)))
      await rm(record.path, { force: true }).catch(() => {})
  }
}

/** At once, whatever stops in the middle of it: segments without their journal, or the other way round, would be in the way. */
export async function removeJob(directory: string): Promise<void> {
  const removed = join(dirname(directory), `${REMOVED}${randomBytes(4).toString('hex')}`)
  // Where open files keep a directory from being renamed, it goes piece by piece.
  const isMoved = await rename(directory, removed).then(
    () => true,
    () => false,
  )
  await rm(isMoved ? removed : directory, { recursive: true, force: true, maxRetries: 3 })
}

/** What a process that was removing jobs left. */
export async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (name.startsWith(REMOVED))
      await rm(join(parent, name), { recursive: true, force: true }).catch(() => {})
  }
}

const REMOVED = '.removed-'

/** All but the claim. */
export async function empty(directory: string): Promise<void> {
  await rm(join(directory, 'journal'), { force: true })
  await rm(join(directory, 'segments'), { recursive: true, force: true, maxRetries: 3 })
  await mkdir(join(directory, 'segments'), { recursive: true, mode: 0o700 })
}
