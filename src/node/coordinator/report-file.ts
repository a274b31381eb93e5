/** The report's place on disk: tried before the work, written whole or not at all. */
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { JobError } from './failure.ts'
import { nameBeside } from './output-file.ts'
import { PAGE_BEGINNING, REPORT_BYTES_MAX } from './read-report.ts'
import { REPORT_SCHEMA } from './report.ts'
import { isSameFile } from './same-file.ts'

export interface ReportFile {
  /** Replaces what is there, unless it is told not to. @throws JobError REPORT_UNWRITABLE */
  write(text: string, options?: { overwrite: boolean }): Promise<void>
}

/** Whether it is one of ours, or empty. */
async function isReport(path: string, sizeBytes: number): Promise<boolean> {
  if (sizeBytes > REPORT_BYTES_MAX) return false
  try {
    const text = await readFile(path, 'utf8')
    return text === '' || text.startsWith(PAGE_BEGINNING) || isOurs(JSON.parse(text))
  } catch {
    return false
  }
}

function isOurs(content: unknown): boolean {
  return (
    typeof content === 'object' && content !== null && 'schema' in content && content.schema === REPORT_SCHEMA
  )
}

/**
 * @param others files that it must not be: the input and the output
 * @param options.overwrite whether it may take the place of something else than a report
 * @throws JobError REPORT_UNWRITABLE
 */
export async function reserveReport(
  path: string,
  others: readonly string[],
  { overwrite, option }: { overwrite: boolean; option?: string },
): Promise<ReportFile> {
  const unwritable = (detail: string, cause?: unknown) =>
    new JobError({ code: 'REPORT_UNWRITABLE', path, detail, option }, { cause })
  for (const other of others) {
    if (await isSameFile(path, other)) throw unwritable('it is the input or the output itself')
  }
  const there = await stat(path).catch(() => undefined)
  if (there?.isDirectory() === true) throw unwritable('it is a directory')
  if (there?.isFile() === false) throw unwritable('it is no file')
  if (there !== undefined && !overwrite && !(await isReport(path, there.size))) {
    throw unwritable('it is there already and no report; -y replaces it')
  }
  const partial = nameBeside(resolve(path), ['.', '.partial'])
  const writePartial = async (text: string) => {
    try {
      const file = await open(partial, 'wx', 0o666)
      try {
        await file.writeFile(text)
        await file.sync()
      } finally {
        await file.close()
      }
    } catch (error) {
      await rm(partial, { force: true }).catch(() => {})
      throw unwritable(
        error instanceof Error ? error.message.replace(/,? open '.*'$/, '') : String(error),
        error,
      )
    }
  }
  await writePartial('')
  await rm(partial, { force: true })
  return {
    async write(text, { overwrite: replaces } = { overwrite: true }) {
      // That of a finished film is worth more than that a try to make it again was refused.
      if (!replaces && there !== undefined && there.size > 0) return
      await writePartial(text)
      await rename(partial, path)
    },
  }
}
