/** An output that got its name just before its process ended: it is the job's own, and may be made once more in its place. */
import { stat } from 'node:fs/promises'
import type { FileMark, JournalRecord } from './records.ts'

/** What a file keeps when it gets another name. */
export async function markFile(path: string): Promise<FileMark> {
  const { dev, ino, size, mtimeMs } = await stat(path)
  return { device: dev, inode: ino, sizeBytes: size, modifiedMs: mtimeMs }
}

/** Whether it is the very file that the job had finished, and nobody has changed it since. */
export async function isFinished(records: readonly JournalRecord[], path: string): Promise<boolean> {
  const finished = records.filter((record) => record.type === 'finished')
  if (finished.length === 0) return false
  const mark = await markFile(path).catch(() => undefined)
  return finished.some(
    ({ file }) =>
      file.device === mark?.device &&
      file.inode === mark.inode &&
      file.sizeBytes === mark.sizeBytes &&
      file.modifiedMs === mark.modifiedMs,
  )
}
