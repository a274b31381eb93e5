/** A job that ended before its film was done, with segments that the next process can go on from. */
import { MediaError } from '../../media/index.ts'
import { codeOf } from '../errno.ts'
import { JobError } from './failure.ts'
import { OutputError } from './output-error.ts'
import type { StoredJob } from './store/index.ts'

/** Says what ended it, and how it goes on. */
export class UnfinishedError extends Error {
  override readonly name = 'UnfinishedError'
  readonly job: string
  /** Of what ended it. */
  readonly code: string | undefined

  constructor(reason: unknown, { id, kept }: Pick<StoredJob, 'id' | 'kept'>) {
    const message = reason instanceof Error ? reason.message : String(reason)
    const segments = kept === 1 ? 'one segment is' : `${kept} segments are`
    const remedy = `the same command goes on from there, as does 'ffswarm resume ${id}'`
    super(`${message}; ${segments} kept: ${remedy}`, { cause: reason })
    this.job = id
    this.code = codeOf(reason)
  }
}

/** Whether what was encoded is of no use: the source is another one, or what came of it is not what was asked for. */
export function isHopeless(error: unknown): boolean {
  if (error instanceof OutputError) return true
  // A film that is finished under another name needs them no more.
  if (error instanceof JobError) return error.code === 'SOURCE_CHANGED' || error.code === 'OUTPUT_APPEARED'
  return error instanceof MediaError && !PASSING.has(error.code)
}

/** Of ffmpeg here, and of whatever it reads and writes. */
const PASSING: ReadonlySet<string> = new Set(['TOOL_EXIT', 'TOOL_STALLED', 'TOOL_MISSING', 'TOOL_UNUSABLE'])
