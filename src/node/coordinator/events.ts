/** What a job tells while it runs. With `--json` each event is one line of standard output, so the shape is public. */

/** Node of an event: its PeerId as a string. */
type PeerIdString = string

export type JobEvent =
  | JobStarted
  | JobResumed
  | JobPaused
  | JobContinued
  | PeerChanged
  | SegmentChanged
  | JobProgress
  | JobPhase
  | JobWarning
  | JobDone
  | JobFailed

export interface JobStarted {
  readonly event: 'job'
  readonly job: string
  readonly input: string
  readonly output: string
  /** The params as they are used, the encoder named. */
  readonly params: string
  readonly encoder: string
  readonly frames: number
  /** How many frames there are is not known yet: the event comes once more when it is. */
  readonly isEstimate?: true
  readonly seconds: number
  readonly timeBase: string
  readonly coordinator: PeerIdString
}

/** So much is there from before. */
export interface JobResumed {
  readonly event: 'resumed'
  readonly segments: number
  readonly frames: number
  /** Where, each from its first frame's place in the film to the place behind its last, in the film's order. */
  readonly stretches: readonly (readonly [first: number, end: number])[]
}

/** It goes on by itself when it can. */
export interface JobPaused {
  readonly event: 'paused'
  /** As of a job that has failed. */
  readonly code: string
  readonly message: string
}

export interface JobContinued {
  readonly event: 'continued'
}

export interface PeerChanged {
  readonly event: 'peer'
  readonly peer: PeerIdString
  readonly name: string
  /**
   * `unusable`: here, and not able to do this job; `draining`: it finishes what it has begun, and takes no more;
   * `left`: out of reach, what it has in hand may still come; `resting`: it has failed several times in a row, and gets nothing for a while.
   */
  readonly state: 'joined' | 'left' | 'draining' | 'resting' | 'unusable' | 'excluded'
  readonly slots: number
  readonly detail?: string
}

export interface SegmentChanged {
  readonly event: 'segment'
  /** In the order in which segments were first assigned, from 0; a slow one may be done once more, as others. */
  readonly index: number
  /** Half-open, in ticks of `timeBase`. */
  readonly startPts: number
  readonly endPts: number
  readonly timeBase: string
  readonly peer: PeerIdString
  /** From 1. */
  readonly attempt: number
  /** Its first frame's place in the film, from 0. */
  readonly first: number
  readonly frames: number
  /** Undefined until it is encoded, as is `encodeSeconds`. */
  readonly bytes?: number
  readonly encodeSeconds?: number
  /** Where its decoding started, in ticks of the source; null is the file's start. Undefined until it is encoded. */
  readonly decodedFrom?: number | null
  /** `encoded`: its bytes come here, and are looked at; `needless`: others were sooner, and what it has is thrown away. */
  readonly state: 'assigned' | 'encoding' | 'encoded' | 'verified' | 'failed' | 'needless'
  /** Why it failed; `REFUSED` says that the peer has not begun: it is busy for someone else. */
  readonly code?: string
  readonly detail?: string
}

export interface JobProgress {
  readonly event: 'progress'
  readonly frames: number
  readonly total: number
  /** Of late. */
  readonly fps: number
  /** Seconds; undefined before the first frames. */
  readonly eta?: number
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Whoever has a part in the job, this node included. */
  readonly peers: readonly PeerProgress[]
}

export interface PeerProgress {
  readonly peer: PeerIdString
  readonly name: string
  /** That it has made and is making; what others were sooner with does not count. */
  readonly frames: number
  /** Of late, all its slots together. */
  readonly fps: number
  /** What it has in hand. */
  readonly segments: readonly SegmentProgress[]
  readonly bytesSent: number
  readonly bytesReceived: number
}

export interface SegmentProgress {
  readonly index: number
  /** Encoded so far; all of them while the bytes are on their way here. */
  readonly frames: number
  readonly total: number
}

export interface JobPhase {
  readonly event: 'phase'
  readonly phase: 'probing' | 'waiting' | 'encoding' | 'joining' | 'verifying'
  readonly detail?: string
}

export interface JobWarning {
  readonly event: 'warning'
  readonly message: string
}

export interface JobDone {
  readonly event: 'done'
  readonly output: string
  readonly frames: number
  readonly wallSeconds: number
  /** Of the film's, from a process before this one. */
  readonly framesBefore: number
  /** Of all encoders on all machines, where they can tell. */
  readonly cpuSeconds: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly segments: readonly SegmentChanged[]
  readonly peers: readonly PeerShare[]
  /** Wall seconds by phase, in order. */
  readonly phases: Readonly<Record<string, number>>
}

export interface PeerShare {
  readonly peer: PeerIdString
  readonly name: string
  readonly segments: number
  readonly frames: number
  readonly encodeSeconds: number
}

export interface JobFailed {
  readonly event: 'failed'
  readonly code: string
  readonly message: string
  /** Its segments are kept: `ffswarm resume` goes on with it. */
  readonly job?: string
}
