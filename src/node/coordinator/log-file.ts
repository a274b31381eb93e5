/** A log that is appended to must be no file of the job. */
import { JobError } from './failure.ts'
import { isSameFile } from './same-file.ts'

/** @throws JobError LOG_FILE_TAKEN */
export async function refuseLogFile(path: string, others: readonly string[]): Promise<void> {
  for (const other of others) {
    if (await isSameFile(path, other)) throw new JobError({ code: 'LOG_FILE_TAKEN', path })
  }
}
