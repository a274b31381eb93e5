/** What a live stream tells while it runs. With `--json` each event is one line of standard output, so the shape is public. */
import type { JobFailed, JobWarning, PeerChanged } from '../coordinator/events.ts'

/** The delay was found, as it was asked for. */
export interface DelayFound {
  readonly event: 'delay'
  readonly delaySeconds: number
}

export type LiveEvent =
  | DelayFound
  | StreamStarted
  | PieceChanged
  | StreamProgress
  | StreamEnded
  | PeerChanged
  | JobWarning
  | JobFailed

export interface StreamStarted {
  readonly event: 'stream'
  readonly input: string
  readonly output: string
  readonly params: string
  readonly encoder: string
  /** Of the pictures that are encoded, such as `1280x720 yuv420p`. */
  readonly picture: string
  /** Null: it is being found. */
  readonly delaySeconds: number | null
  readonly segmentSeconds: number
  /** PeerId. */
  readonly coordinator: string
}

export interface PieceChanged {
  readonly event: 'piece'
  /** From 0. */
  readonly index: number
  /**
   * `in`: it was taken in; `verified`: it is encoded, here, and right; `needless`: others were sooner; `slate`: it was not there in time, and a
   * black picture stands in its place; `lost`: not even that; `on-air`: players have it.
   */
  readonly state:
    | 'in'
    | 'assigned'
    | 'encoding'
    | 'encoded'
    | 'verified'
    | 'failed'
    | 'needless'
    | 'slate'
    | 'lost'
    | 'on-air'
  readonly peer?: string
  /** From 1. */
  readonly attempt?: number
  readonly frames: number
  /** Of the film. */
  readonly seconds: number
  /** It is encoded with the params for need. */
  readonly isFallback?: true
  /** Whoever has it was not expected to have it in time. */
  readonly isDuplicate?: true
  /** With `on-air`: seconds from its first frame's coming in. */
  readonly delaySeconds?: number
  readonly code?: string
  readonly detail?: string
}

export interface StreamCounters {
  /** On air. */
  readonly pieces: number
  readonly frames: number
  readonly duplicates: number
  readonly fallbacks: number
  readonly slates: number
  readonly lost: number
  readonly failures: number
  /** How often the input came back. */
  readonly reconnects: number
}

export interface StreamProgress extends StreamCounters {
  readonly event: 'live'
  /** Seconds since the first frame came in. */
  readonly seconds: number
  /** By which the piece that was ready last was ready before its time, in seconds. */
  readonly reserveSeconds: number | null
  /** Pieces that are taken in and not on air. */
  readonly waiting: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

export interface StreamEnded extends StreamCounters {
  readonly event: 'ended'
  readonly output: string
  readonly seconds: number
}
