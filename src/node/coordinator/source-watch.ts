/** The source as it was when the job first looked at it: whatever is made of it is made of that file. */
import type { Stats } from 'node:fs'
import { mkdir, open, realpath, stat, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { MediaError } from '../../media/index.ts'
import { JobError } from './failure.ts'
import { markSource } from './store/fingerprint.ts'

export interface SourceWatch {
  /** By which it is read: it leads to the file that was opened, whatever its own name stands for by then (Linux). */
  readonly path: string
  /** Where it is open; undefined where it cannot be. */
  readonly fd: number | undefined
  /** @throws JobError SOURCE_CHANGED where its name is another file's by now, or it was written to */
  check(): Promise<void>
  /** Looks every few seconds. @returns a function that ends it */
  follow(onChanged: (error: unknown) => void): () => void
  /** What is said of the path, said of its name. */
  named(text: string): string
  namedError(error: unknown): unknown
  close(): Promise<void>
}

const LOOK_EVERY_MS = 2_000

/**
 * Of a file that cannot be opened nothing is said here: whoever reads it says so better.
 *
 * @param directory for the path alone: whoever writes a file of its name there would write to the source
 */
export async function watchSource(
  name: string,
  directory: string,
  options: { signal: AbortSignal },
): Promise<SourceWatch> {
  // Neither a pipe nor a device is opened, which may wait for ever.
  const isFile = await stat(name).then(
    (stats) => stats.isFile(),
    () => false,
  )
  const file = isFile ? await open(name, 'r').catch(() => undefined) : undefined
  let before = await file?.stat()
  const path = file === undefined ? name : await pathTo(file.fd, name, directory)
  // Where times can be set back, what is in it tells.
  const marking = file === undefined ? undefined : markSource(path, options)
  marking?.catch(() => {})

  async function check(): Promise<void> {
    if (before === undefined) return
    const now = await stat(name).catch(() => undefined)
    if (now !== undefined && isSame(before, now)) {
      if (now.ctimeMs === before.ctimeMs) return
      // Another name or owner, or written to by somebody who has set its time back.
      if (await hasSameContent()) {
        before = now
        return
      }
    }
    throw new JobError({ code: 'SOURCE_CHANGED', path: name, isGone: now === undefined })
  }

  async function hasSameContent(): Promise<boolean> {
    try {
      const [was, is] = await Promise.all([marking, markSource(path, options)])
      return was?.fingerprint === is.fingerprint
    } catch {
      options.signal.throwIfAborted()
      return false
    }
  }

  const named = (text: string) => (path === name ? text : text.replaceAll(path, name))
  return {
    ...{ path, fd: file?.fd, check, named },
    namedError(error) {
      if (path === name || !(error instanceof Error) || !error.message.includes(path)) return error
      if (error instanceof MediaError) return new MediaError(mapTexts(error.failure, named), { cause: error })
      if (error instanceof JobError) return new JobError(mapTexts(error.failure, named), { cause: error })
      return error
    },
    follow(onChanged) {
      const timer = setInterval(() => void check().catch(onChanged), LOOK_EVERY_MS)
      timer.unref()
      return () => clearInterval(timer)
    },
    close: async () => await file?.close(),
  }
}

function isSame(a: Stats, b: Stats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs
}

/** A link to the open file itself, named like it; elsewhere than on Linux the place that the name leads to. */
async function pathTo(fd: number, name: string, directory: string): Promise<string> {
  const path = join(directory, basename(name))
  try {
    await mkdir(directory, { recursive: true })
    await symlink(`/proc/${process.pid}/fd/${fd}`, path)
    await stat(path)
    return path
  } catch {
    return await realpath(name)
  }
}

/** Whatever texts there are in an object, and in what it holds. */
function mapTexts<T>(value: T, map: (text: string) => string): T {
  if (typeof value === 'string') return map(value) as T
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, map)])) as T
}
