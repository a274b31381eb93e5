/** Reports of earlier jobs, kept on this machine for whoever asks later: the newest, and no more than so many. */
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../errno.ts'
import { JobError } from './failure.ts'
import { REPORT_BYTES_MAX, type ReadReport, readReport } from './read-report.ts'
import type { Report } from './report.ts'

/** Of a job that has ended. */
export interface KeptReport {
  /** The job's id. */
  readonly id: string
  readonly report: ReadReport
  /** ISO 8601, UTC. */
  readonly endedAt: string
}

const REPORTS_MAX = 50

function directoryIn(dataDir: string): string {
  return join(dataDir, 'reports')
}

/** Takes the place of an earlier one of the same job; whole or not at all. @throws whatever the file system does */
export async function keepReport(dataDir: string, id: string, report: Report): Promise<void> {
  const directory = directoryIn(dataDir)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const partial = join(directory, `.${id}.partial`)
  try {
    await writeFile(partial, JSON.stringify(report), { mode: 0o600 })
    await rename(partial, join(directory, `${id}.json`))
  } finally {
    await rm(partial, { force: true })
  }
  await removeOldest(directory)
}

/** The last ended first. */
export async function listReports(dataDir: string): Promise<KeptReport[]> {
  const directory = directoryIn(dataDir)
  const found: KeptReport[] = []
  for (const { id, path, modifiedMs } of await filesIn(directory)) {
    const report = await readReport(path).catch(() => undefined)
    if (report !== undefined) found.push({ id, report, endedAt: new Date(modifiedMs).toISOString() })
  }
  return found
}

/**
 * @param name the beginning of a job's id, or the path of a report
 * @throws JobError REPORT_UNKNOWN, REPORT_UNREADABLE
 */
export async function findReport(dataDir: string, name: string): Promise<{ id: string; report: ReadReport }> {
  if (/[./\\]/.test(name)) {
    return { id: name.replace(/^.*[/\\]|\.[^.]*$/g, ''), report: await readReport(name) }
  }
  const files = await filesIn(directoryIn(dataDir))
  const [file, ...others] = files.filter(({ id }) => name !== '' && id.startsWith(name))
  if (file === undefined || others.length > 0) {
    throw new JobError({ code: 'REPORT_UNKNOWN', id: name, known: files.map(({ id }) => id) })
  }
  return { id: file.id, report: await readReport(file.path) }
}

/** The newest first. */
async function filesIn(
  directory: string,
): Promise<{ id: string; path: string; modifiedMs: number; sizeBytes: number }[]> {
  let names: string[]
  try {
    names = await readdir(directory)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
  const files = await Promise.all(
    names.flatMap((name) => {
      const id = /^([0-9a-f]{12})\.json$/.exec(name)?.[1]
      if (id === undefined) return []
      const path = join(directory, name)
      return [
        stat(path).then(
          ({ mtimeMs, size }) => [{ id, path, modifiedMs: mtimeMs, sizeBytes: size }],
          () => [],
        ),
      ]
    }),
  )
  return files.flat().sort((a, b) => b.modifiedMs - a.modifiedMs)
}

async function removeOldest(directory: string): Promise<void> {
  let bytes = 0
  for (const [place, { path, sizeBytes }] of (await filesIn(directory)).entries()) {
    bytes += sizeBytes
    if (place > 0 && (place >= REPORTS_MAX || bytes > REPORT_BYTES_MAX)) await rm(path, { force: true })
  }
}
