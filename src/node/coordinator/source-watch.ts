/** The source as it was when the job first looked at it: whatever is made of it must be made of that file. */
import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { JobError } from './failure.ts'
import { markSource } from './store/fingerprint.ts'

export interface SourceWatch {
  /** @throws JobError SOURCE_CHANGED where it is another file by now, or was written to */
  check(): Promise<void>
  /** Looks every few seconds. @returns a function that ends it */
  follow(onChanged: (error: unknown) => void): () => void
}

const LOOK_EVERY_MS = 2_000

/** Of a file that is not there nothing is said here: whoever reads it says so better. */
export async function watchSource(path: string, options: { signal: AbortSignal }): Promise<SourceWatch> {
  let before = await stat(path).catch(() => undefined)
  // Where times can be set back, what is in it tells.
  const marking = markSource(path, options)
  marking.catch(() => {})

  async function check(): Promise<void> {
    if (before === undefined) return
    const now = await stat(path).catch(() => undefined)
    if (now !== undefined && isSame(before, now)) {
      if (now.ctimeMs === before.ctimeMs) return
      // Another name or owner, or written to by somebody who has set its time back.
      if (await hasSameContent()) {
        before = now
        return
      }
    }
    throw new JobError({ code: 'SOURCE_CHANGED', path })
  }

  async function hasSameContent(): Promise<boolean> {
    try {
      const [was, is] = await Promise.all([marking, markSource(path, options)])
      return was.fingerprint === is.fingerprint
    } catch {
      options.signal.throwIfAborted()
      return false
    }
  }

  return {
    check,
    follow(onChanged) {
      const timer = setInterval(() => void check().catch(onChanged), LOOK_EVERY_MS)
      timer.unref()
      return () => clearInterval(timer)
    },
  }
}

function isSame(a: Stats, b: Stats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs
}
