/** The report's place on disk: tried before the work, written whole or not at all. */
import { open, rename, rm, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { JobError } from './failure.ts'
import { nameBeside } from './output-file.ts'
import { isSameFile } from './same-file.ts'

export interface ReportFile {
  /** Replaces what is there. @throws JobError REPORT_UNWRITABLE */
  write(content: object): Promise<void>
}

/**
 * @param others files that it must not be: the input and the output
 * @throws JobError REPORT_UNWRITABLE
 */
export async function reserveReport(path: string, others: readonly string[]): Promise<ReportFile> {
  const unwritable = (detail: string, cause?: unknown) =>
    new JobError({ code: 'REPORT_UNWRITABLE', path, detail }, { cause })
  for (const other of others) {
    if (await isSameFile(path, other)) throw unwritable('it is the input or the output itself')
  }
  if ((await stat(path).catch(() => undefined))?.isDirectory() === true) throw unwritable('it is a directory')
  const partial = nameBeside(resolve(path), ['.', '.partial'])
  const write = async (text: string) => {
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
  await write('')
  await rm(partial, { force: true })
  return {
    async write(content) {
      await write(`${JSON.stringify(content, null, 2)}\n`)
      await rename(partial, path)
    },
  }
}
