/** Room on a file system, and waiting for some. */
import { stat, statfs } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isErrno } from './errno.ts'

const LOOK_AGAIN_MS = 1_000

/** So much room must there be at least where a disk was found full: some segments. */
export const ROOM_BYTES = 64 * 2 ** 20

/** Bytes that this user can still write there; unknown is endless, as on network file systems that tell nothing. */
export async function freeBytes(directory: string): Promise<number> {
  try {
    const { bavail, blocks, bsize } = await statfs(directory)
    return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Whether both lie on one file system; where that cannot be told, they do not. */
export async function shareDisk(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => stat(path).catch(() => undefined)))
  return a !== undefined && a.dev === b?.dev
}

/** Resolves when so many bytes are free. @throws the signal's reason */
export async function waitForSpace(
  directory: string,
  bytes: number,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  while ((await freeBytes(directory)) < bytes) {
    await sleep(LOOK_AGAIN_MS, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

/** For people, rounded up. */
export function inMegabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MB`
}

/** Of this process, or in the words of an ffmpeg of this machine. */
export function isDiskFull(error: unknown): boolean {
  if (isErrno(error, 'ENOSPC', 'EDQUOT')) return true
  return error instanceof Error && /No space left on device|Disk quota exceeded/.test(error.message)
}
