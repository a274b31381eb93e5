/** What a failed attempt says, and of whom: of the segment, of the peer, of this machine, or of the whole job. */
import { type FrameIndex, MediaError } from '../../media/index.ts'
import { ProtocolError } from '../../protocols/errors.ts'

export type AttemptFailure =
  /** This machine's disk is full: nobody's attempt can succeed. */
  | 'disk-full'
  /** Other frames than the packets told, which nobody has decoded yet. */
  | 'index-in-doubt'
  /** Pictures that are to be shown otherwise than the film's first, though nobody has told the segments how. */
  | 'look-in-doubt'
  /** The peer's encoder makes other parameter sets than the job's. */
  | 'other-build'
  /** The peer is busy: it says nothing about the segment, nor about the peer. */
  | 'refused'
  /** The peer is gone: it says nothing about the segment. */
  | 'lost'
  | 'failed'

export function classifyFailure(
  error: unknown,
  {
    isLocal,
    isGone,
    evidence,
    isToldAlike,
  }: {
    isLocal: boolean
    /** Whether the peer was given up while it was at it. */
    isGone: boolean
    evidence: FrameIndex['evidence']
    /** Whether segments are told how their pictures are to be shown. */
    isToldAlike: boolean
  },
): AttemptFailure {
  if (isDiskFull(error, isLocal)) return 'disk-full'
  if (evidence === 'packets' && isFrameMismatch(error)) return 'index-in-doubt'
  if (!isToldAlike && isLookMismatch(error)) return 'look-in-doubt'
  if (!isLocal && error instanceof MediaError && error.code === 'PARAMETER_SETS') return 'other-build'
  if (error instanceof ProtocolError && error.failure.code === 'REFUSED') return 'refused'
  if (isGone || (error instanceof ProtocolError && LOST.has(error.code))) return 'lost'
  return 'failed'
}

/** The failure as people and programs are told of it. */
export function describeFailure(error: unknown): { code?: string; detail: string } {
  const detail = error instanceof Error ? error.message : String(error)
  if (!(error instanceof ProtocolError) && !(error instanceof MediaError)) return { detail }
  return { code: error.failure.code === 'FAILED' ? error.failure.reason : error.code, detail }
}

/** The peer finishes what it has begun, and leaves. */
export function isDraining(error: unknown): boolean {
  return (
    error instanceof ProtocolError && error.failure.code === 'REFUSED' && error.failure.reason === 'DRAINING'
  )
}

/** The packets did not tell the frames after all: the job starts again with the times of a full decode. */
export class IndexInDoubt extends Error {
  override readonly name = 'IndexInDoubt'
}

const LOST: ReadonlySet<string> = new Set(['DISCONNECTED', 'LEASE_EXPIRED', 'TIMEOUT'])

/** A full disk elsewhere is that peer's matter. */
function isDiskFull(error: unknown, isLocal: boolean): boolean {
  if (!(error instanceof Error)) return false
  if ('code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) return true
  return isLocal && /No space left on device/.test(error.message)
}

/** Of pictures that are of another kind than the film's first, or to be shown otherwise. */
function isLookMismatch(error: unknown): boolean {
  if (error instanceof MediaError) return error.code === 'SEGMENT_LOOK' || error.code === 'SEGMENT_PICTURE'
  return (
    error instanceof ProtocolError &&
    error.failure.code === 'FAILED' &&
    error.failure.reason === 'SEGMENT_PICTURE'
  )
}

function isFrameMismatch(error: unknown): boolean {
  if (error instanceof MediaError) return error.code === 'SEGMENT_FRAMES'
  return (
    error instanceof ProtocolError &&
    error.failure.code === 'FAILED' &&
    error.failure.reason === 'SEGMENT_FRAMES'
  )
}
