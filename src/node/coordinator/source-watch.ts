/** The source as it was when the job first looked at it: whatever is made of it must be made of that file. */
import { stat } from 'node:fs/promises'
import { JobError } from './failure.ts'

export interface SourceWatch {
  /** @throws JobError SOURCE_CHANGED where it is another file by now, or was written to */
  check(): Promise<void>
}

/** Of a file that is not there nothing is said here: whoever reads it says so better. */
export async function watchSource(path: string): Promise<SourceWatch> {
  const before = await stat(path).catch(() => undefined)
  return {
    async check() {
      if (before === undefined) return
      const now = await stat(path).catch(() => undefined)
      const isSame =
        now?.dev === before.dev &&
        now.ino === before.ino &&
        now.size === before.size &&
        now.mtimeMs === before.mtimeMs
      if (!isSame) throw new JobError({ code: 'SOURCE_CHANGED', path })
    },
  }
}
