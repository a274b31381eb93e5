/** Room on a file system, and waiting for some. */
import { statfs } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isErrno } from './errno.ts'

const LOOK_AGAIN_MS = 1_000

/** Bytes that this user can still write there; unknown is endless. */
export async function freeBytes(directory: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(directory)
    return bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Resolves when there are so many bytes. @throws the signal's reason */
export async function waitForSpace(
  directory: string,
  wantedBytes: number,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  while ((await freeBytes(directory)) < wantedBytes) await sleep(LOOK_AGAIN_MS, undefined, { signal })
}

/** Of this process, or in the words of an ffmpeg of this machine. */
export function isDiskFull(error: unknown): boolean {
  if (isErrno(error, 'ENOSPC', 'EDQUOT')) return true
  return error instanceof Error && /No space left on device|Disk quota exceeded/.test(error.message)
}
