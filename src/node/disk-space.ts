/** Room on a file system, and waiting for some. */
import { statfs } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isErrno } from './errno.ts'

const LOOK_AGAIN_MS = 1_000

/** So much room must there be where a disk was found full: some segments. */
const ROOM_BYTES = 64 * 2 ** 20

/** Bytes that this user can still write there; unknown is endless. */
async function freeBytes(directory: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(directory)
    return bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Resolves when there is room for some segments again. @throws the signal's reason */
export async function waitForSpace(directory: string, { signal }: { signal: AbortSignal }): Promise<void> {
  while ((await freeBytes(directory)) < ROOM_BYTES) await sleep(LOOK_AGAIN_MS, undefined, { signal })
}

/** Of this process, or in the words of an ffmpeg of this machine. */
export function isDiskFull(error: unknown): boolean {
  if (isErrno(error, 'ENOSPC', 'EDQUOT')) return true
  return error instanceof Error && /No space left on device|Disk quota exceeded/.test(error.message)
}
