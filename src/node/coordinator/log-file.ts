/** A log that is appended to must be no file of the job, nor anything else but a log. */
import { open, stat } from 'node:fs/promises'
import { JobError } from './failure.ts'
import { isSameFile } from './same-file.ts'

/** @throws JobError LOG_FILE_TAKEN */
export async function refuseLogFile(path: string, others: readonly string[]): Promise<void> {
  for (const other of others) {
    if (await isSameFile(path, other)) {
      throw new JobError({ code: 'LOG_FILE_TAKEN', path, detail: 'it is the input or the output itself' })
    }
  }
  const there = await stat(path).catch(() => undefined)
  if (there?.isFile() === true && there.size > 0 && !(await beginsAsLog(path))) {
    throw new JobError({ code: 'LOG_FILE_TAKEN', path, detail: 'it is there already and no log' })
  }
}

/** Each line of one is an object that begins with its time. */
async function beginsAsLog(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(BEGINNING.length), 0, BEGINNING.length, 0)
    return buffer.subarray(0, bytesRead).toString('latin1') === BEGINNING
  } finally {
    await file.close()
  }
}

const BEGINNING = '{"at":"'
