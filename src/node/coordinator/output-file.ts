/** The output under a name of its own until it is whole: an existing file is replaced at the very end or not at all. */
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { JobError } from './failure.ts'

export interface OutputFile {
  /** Where to write; it exists and is empty. */
  readonly partialPath: string
  readonly directory: string
  /** Gives the file its name. */
  commit(): Promise<void>
  /** Removes what was written. */
  discard(): Promise<void>
}

/**
 * Reserves a place beside the output, so that a directory that cannot be written shows before hours of work.
 *
 * @throws JobError OUTPUT_EXISTS, OUTPUT_DIRECTORY_MISSING, OUTPUT_UNWRITABLE, OUTPUT_IS_INPUT
 */
export async function reserveOutput(
  path: string,
  options: { overwrite: boolean; inputPath: string },
): Promise<OutputFile> {
  const existing = await stat(path).catch(() => undefined)
  const input = await stat(options.inputPath)
  if (existing !== undefined && existing.ino === input.ino && existing.dev === input.dev) {
    throw new JobError({ code: 'OUTPUT_IS_INPUT', path })
  }
  if (existing?.isDirectory() === true) throw new JobError({ code: 'OUTPUT_IS_DIRECTORY', path })
  if (existing !== undefined && !options.overwrite) throw new JobError({ code: 'OUTPUT_EXISTS', path })

  const directory = dirname(resolve(path))
  const extension = extname(path)
  const name = `.${basename(path, extension).slice(0, 100)}.${randomBytes(4).toString('hex')}.partial${extension}`
  const partialPath = join(directory, name)
  try {
    await writeTrial(partialPath)
  } catch (error) {
    await rm(partialPath, { force: true }).catch(() => {})
    throw toJobError(error, path, directory)
  }
  return {
    partialPath,
    directory,
    async commit() {
      await sync(partialPath)
      await rename(partialPath, path)
    },
    discard: () => rm(partialPath, { force: true }),
  }
}

/** A full disk takes an empty file but not its first bytes. */
async function writeTrial(path: string): Promise<void> {
  const file = await open(path, 'wx', 0o666)
  try {
    await file.writeFile(Buffer.alloc(64 * 1024))
    await file.sync()
    await file.truncate(0)
  } finally {
    await file.close()
  }
}

async function sync(path: string): Promise<void> {
  const file: FileHandle = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

function toJobError(error: unknown, path: string, directory: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new JobError({ code: 'OUTPUT_DIRECTORY_MISSING', path, directory }, { cause: error })
    case 'ENOSPC':
    case 'EDQUOT':
      return new JobError({ code: 'OUTPUT_DISK_FULL', directory }, { cause: error })
    default:
      return new JobError(
        { code: 'OUTPUT_UNWRITABLE', directory, detail: error.message.replace(/,? open '.*'$/, '') },
        { cause: error },
      )
  }
}
