/** The output under a name of its own until it is whole: an existing file is replaced at the very end or not at all. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { type FileHandle, link, open, readlink, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { isErrno } from '../errno.ts'
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
 * @throws JobError OUTPUT_EXISTS, OUTPUT_DIRECTORY_MISSING, OUTPUT_UNWRITABLE, OUTPUT_IS_INPUT, OUTPUT_NOT_A_FILE
 */
export async function reserveOutput(
  path: string,
  options: { overwrite: boolean; inputPath: string },
): Promise<OutputFile> {
  const absolute = resolve(path)
  const existing = await stat(absolute).catch((error: unknown) => {
    if (!isErrno(error, 'ENAMETOOLONG')) return undefined
    throw new JobError({
      code: 'OUTPUT_UNWRITABLE',
      directory: dirname(absolute),
      detail: 'the name is too long',
    })
  })
  const input = await stat(options.inputPath)
  if (existing !== undefined && existing.ino === input.ino && existing.dev === input.dev) {
    throw new JobError({ code: 'OUTPUT_IS_INPUT', path })
  }
  if (existing?.isDirectory() === true || path.endsWith('/')) {
    throw new JobError({ code: 'OUTPUT_IS_DIRECTORY', path })
  }
  if (existing?.isFile() === false) throw new JobError({ code: 'OUTPUT_NOT_A_FILE', path })
  if (existing !== undefined && !options.overwrite) throw new JobError({ code: 'OUTPUT_EXISTS', path })

  const target = await withoutLinks(absolute)
  const directory = dirname(target)
  const partialPath = nameBeside(target, ['.', '.partial'])
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
      if (options.overwrite) await rename(partialPath, target)
      else await giveName(partialPath, target)
    },
    discard: () => rm(partialPath, { force: true }),
  }
}

/** A link's target, which is what is replaced, as by every program that writes to it; also one that is not there yet. */
async function withoutLinks(path: string): Promise<string> {
  let target = path
  for (let links = 0; links < LINKS_MAX; links++) {
    const next = await readlink(target).catch(() => undefined)
    if (next === undefined) return target
    target = resolve(dirname(target), next)
  }
  return target
}

// As Linux allows.
const LINKS_MAX = 40

/** A name of its own in the same directory, within the 255 bytes that file systems allow. */
export function nameBeside(path: string, [before, after]: readonly [string, string]): string {
  const extension = extname(path)
  const stem = firstBytes(basename(path, extension))
  const own = randomBytes(4).toString('hex')
  return join(dirname(path), `${before}${stem}.${own}${after}${firstBytes(extension)}`)
}

function firstBytes(name: string): string {
  return Buffer.from(name)
    .subarray(0, 100)
    .toString()
    .replace(/\ufffd+$/, '')
}

/** Takes the name only if it is still free; otherwise the result is kept under another beside it. */
async function giveName(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const isTaken = code === 'EEXIST' || (await stat(to).catch(() => undefined)) !== undefined
    if (!isTaken) {
      // A file system without hard links, such as exFAT.
      await rename(from, to)
      return
    }
    const kept = nameBeside(to, ['', ''])
    await rename(from, kept)
    throw new JobError({ code: 'OUTPUT_APPEARED', path: to, kept }, { cause: error })
  }
  await rm(from, { force: true })
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
      // Some that the system makes up, such as /proc, take no files.
      if (error.code === 'ENOENT' && existsSync(directory)) {
        return new JobError(
          { code: 'OUTPUT_UNWRITABLE', directory, detail: 'it takes no files' },
          { cause: error },
        )
      }
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
