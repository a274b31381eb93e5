/** Where a node keeps what must outlive it: its identities, its journals, its cache. */

import { mkdir, stat } from 'node:fs/promises'
import { homedir, userInfo } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { isErrno } from './errno.ts'
import { NetworkError } from './network-error.ts'

/**
 * `FFSWARM_HOME`, or `ffswarm` in the user's data directory: `XDG_DATA_HOME`, by default `~/.local/share`
 * (XDG Base Directory Specification 0.8), on Windows `LOCALAPPDATA`.
 */
export function dataDir(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): string {
  if (env.FFSWARM_HOME) return resolve(env.FFSWARM_HOME)
  if (platform === 'win32' && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, 'ffswarm')
  // The specification tells to ignore a relative path.
  if (env.XDG_DATA_HOME && isAbsolute(env.XDG_DATA_HOME)) return join(env.XDG_DATA_HOME, 'ffswarm')
  return join(env.HOME || homedir() || userInfo().homedir, '.local', 'share', 'ffswarm')
}

/** The same, or the one that was named. @throws NetworkError `DATA_DIR_UNUSABLE` */
export async function openDataDir(named: string | undefined, env: NodeJS.ProcessEnv): Promise<string> {
  return await createDataDir(named === undefined ? env : { ...env, FFSWARM_HOME: named })
}

/**
 * The data directory, created for this user alone where it is missing.
 *
 * @throws NetworkError `DATA_DIR_UNUSABLE`
 */
export async function createDataDir(env: NodeJS.ProcessEnv): Promise<string> {
  const path = dataDir(env)
  try {
    await makeDirectory(path)
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new NetworkError({ code: 'DATA_DIR_UNUSABLE', path, detail }, { cause })
  }
  return path
}

/**
 * With its parents. Node's own never comes back where a directory that is there takes none, as those of /proc: it goes on making the
 * parent.
 */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (isErrno(error, 'EEXIST') && (await stat(path)).isDirectory()) return
    const parent = dirname(path)
    const isParentMissing = isErrno(error, 'ENOENT') && parent !== path && !(await exists(parent))
    if (!isParentMissing) throw error
    await makeDirectory(parent)
    await makeDirectory(path)
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
