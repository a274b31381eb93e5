/** The key that a user's nodes have in common, in a file for this user alone. */
import { lstat, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../errno.ts'
import { NetworkError } from '../network-error.ts'
import { writeWhole } from '../write-whole.ts'
import { parseKey } from './key.ts'

const fileOf = (dataDir: string) => join(dataDir, 'key')

/** @returns undefined where none is stored @throws NetworkError KEY_UNREADABLE */
export async function readStoredKey(dataDir: string): Promise<string | undefined> {
  const path = fileOf(dataDir)
  try {
    // A link that leads nowhere is a key that cannot be read: that leaves no swarm open.
    await lstat(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
  }
  try {
    const { mode } = await stat(path)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new NetworkError({ code: 'KEY_UNREADABLE', path, detail: 'others can read it: chmod 600 it' })
    }
    return parseKey(await readFile(path, 'utf8'))
  } catch (cause) {
    if (cause instanceof NetworkError && cause.code === 'KEY_UNREADABLE') throw cause
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new NetworkError({ code: 'KEY_UNREADABLE', path, detail }, { cause })
  }
}

/**
 * @throws NetworkError KEY_EXISTS, KEY_UNREADABLE, DATA_DIR_UNUSABLE
 */
export async function storeKey(
  dataDir: string,
  key: string,
  { overwrite }: { overwrite: boolean },
): Promise<void> {
  const path = fileOf(dataDir)
  const stats = await lstat(path).catch(() => undefined)
  if (!overwrite && stats !== undefined) throw new NetworkError({ code: 'KEY_EXISTS' })
  if (stats?.isDirectory()) {
    throw new NetworkError({ code: 'KEY_UNREADABLE', path, detail: 'it is a directory: remove it' })
  }
  try {
    await writeWhole(path, `${key}\n`)
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new NetworkError({ code: 'DATA_DIR_UNUSABLE', path: dataDir, detail }, { cause })
  }
}

/** @returns whether there was one @throws NetworkError KEY_UNREADABLE */
export async function clearKey(dataDir: string): Promise<boolean> {
  const path = fileOf(dataDir)
  try {
    await rm(path)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    const detail = error instanceof Error ? error.message : String(error)
    throw new NetworkError({ code: 'KEY_UNREADABLE', path, detail }, { cause: error })
  }
}

/** The word for a swarm that anyone may join, whatever is stored. */
const NONE = 'none'

/**
 * What was named, or else what is stored.
 *
 * @returns undefined: the swarm is open
 * @throws NetworkError KEY_INVALID, KEY_UNREADABLE
 */
export async function chooseKey(named: string | undefined, dataDir: string): Promise<string | undefined> {
  if (named === undefined) return await readStoredKey(dataDir)
  return named === NONE ? undefined : parseKey(named)
}
