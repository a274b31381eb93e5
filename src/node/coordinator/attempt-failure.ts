/** What a failed attempt says, and of whom: of the segment, of the peer, of this machine, or of the whole job. */
import { type FrameIndex, MediaError } from '../../media/index.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import { isDiskFull } from '../disk-space.ts'
import { codeOf, isErrno } from '../errno.ts'
import { StartsInDoubt } from './starts.ts'

/** What puts the whole job in doubt. */
export type Doubt =
  /** Other frames than the packets told, which nobody has decoded yet. */
  | 'index-in-doubt'
  /** Pictures that are to be shown otherwise than the film's first, though nobody has told the segments how. */
  | 'look-in-doubt'
  /** Pictures that a decoder which begins there sees otherwise than one that comes from the film's start. */
  | 'starts-in-doubt'

export type AttemptFailure =
  /** This machine's disk is full: nobody's attempt can succeed until there is room. */
  | 'disk-full'
  | Doubt
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
    isSeekable,
  }: {
    isLocal: boolean
    /** Whether the peer was given up while it was at it. */
    isGone: boolean
    evidence: FrameIndex['evidence']
    /** Whether segments are told how their pictures are to be shown. */
    isToldAlike: boolean
    /** Whether decoding starts at keyframes. */
    isSeekable: boolean
  },
): AttemptFailure {
  // A full disk elsewhere is that peer's matter: it takes no more until there is room.
  if (reasonOf(error) === 'DISK_FULL') return 'refused'
  if (isErrno(error, 'ENOSPC', 'EDQUOT') || (isLocal && isDiskFull(error))) return 'disk-full'
  if (evidence === 'packets' && reasonOf(error) === 'SEGMENT_FRAMES') return 'index-in-doubt'
  if (!isToldAlike && isLookMismatch(error)) return 'look-in-doubt'
  if (error instanceof StartsInDoubt) return 'starts-in-doubt'
  if (error instanceof MediaError && error.code === 'PARAMETER_SETS') {
    if (!isLocal) return 'other-build'
    // The same encoder, so its pictures told it something else.
    if (isSeekable) return 'starts-in-doubt'
  }
  if (error instanceof ProtocolError && error.failure.code === 'REFUSED') return 'refused'
  if (isGone || (error instanceof ProtocolError && LOST.has(error.code))) return 'lost'
  return 'failed'
}

export function isDoubt(kind: AttemptFailure): kind is Doubt {
  return kind === 'index-in-doubt' || kind === 'look-in-doubt' || kind === 'starts-in-doubt'
}

/** The failure as people and programs are told of it. */
export function describeFailure(error: unknown): { code?: string; detail: string } {
  const detail = error instanceof Error ? error.message : String(error)
  const isTold = error instanceof ProtocolError && error.failure.code === 'FAILED'
  const code = isTold ? error.failure.reason : codeOf(error)
  return code === undefined ? { detail } : { code, detail }
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

/** Of pictures that are of another kind than the film's first, or to be shown otherwise. */
function isLookMismatch(error: unknown): boolean {
  const code = reasonOf(error)
  return code === 'SEGMENT_LOOK' || code === 'SEGMENT_PICTURE'
}

/** What this node found, or a worker said of itself. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof MediaError) return error.code
  if (error instanceof ProtocolError && error.failure.code === 'FAILED') return error.failure.reason
  return undefined
}
