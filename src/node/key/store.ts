/** The key that a user's nodes have in common, in a file for this user alone. */
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../errno.ts'
import { NetworkError } from '../network-error.ts'
import { parseKey } from './key.ts'

const fileOf = (dataDir: string) => join(dataDir, 'key')

/** @returns undefined where none is stored @throws NetworkError KEY_UNREADABLE */
export async function readStoredKey(dataDir: string): Promise<string | undefined> {
  const path = fileOf(dataDir)
  try {
    const { mode } = await stat(path)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new NetworkError({ code: 'KEY_UNREADABLE', path, detail: 'others can read it: chmod 600 it' })
    }
    return parseKey(await readFile(path, 'utf8'))
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return undefined
    if (cause instanceof NetworkError && cause.code === 'KEY_UNREADABLE') throw cause
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new NetworkError({ code: 'KEY_UNREADABLE', path, detail }, { cause })
  }
}

/**
 * Written beside and renamed: whoever reads it has the whole of it.
 *
 * @throws NetworkError KEY_EXISTS
 */
export async function storeKey(
  dataDir: string,
  key: string,
  { overwrite }: { overwrite: boolean },
): Promise<void> {
  const path = fileOf(dataDir)
  if (!overwrite && (await stat(path).catch(() => undefined)) !== undefined) {
    throw new NetworkError({ code: 'KEY_EXISTS' })
  }
  const beside = `${path}.new`
  await rm(beside, { force: true })
  const file = await open(beside, 'wx', 0o600)
  try {
    await file.writeFile(`${key}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(beside, path)
}

/** @returns whether there was one */
export async function clearKey(dataDir: string): Promise<boolean> {
  try {
    await rm(fileOf(dataDir))
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
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
  if (named === undefined || named === '') return await readStoredKey(dataDir)
  return named === NONE ? undefined : parseKey(named)
}
