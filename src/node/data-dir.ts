/** Where a node keeps what must outlive it: its identities, its journals, its cache. */

import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
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
  return join(env.HOME || homedir(), '.local', 'share', 'ffswarm')
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
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new NetworkError({ code: 'DATA_DIR_UNUSABLE', path, detail }, { cause })
  }
  return path
}
