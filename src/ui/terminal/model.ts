/** What a terminal shows of a job, gathered from its events. Pure but for its own state; the clock is passed in. */
import type { JobEvent, JobProgress, JobStarted, PeerChanged, PeerShare } from '../../node/index.ts'
import { failureText } from '../words.ts'

/** A stretch of the film in frames, half-open, and how far it is. */
export interface Part {
  readonly first: number
  readonly end: number
  /** PeerId; undefined: of a process before this one. */
  readonly peer: string | undefined
  /** Frames of it that are encoded; undefined: it is verified, and here. */
  readonly encoded: number | undefined
}

export interface PeerLine {
  readonly peer: string
  readonly name: string
  readonly state: 'working' | 'idle' | 'draining' | 'left' | 'resting' | 'out'
  /** Why, where it is not at work. */
  readonly detail: string | undefined
  /** Segments of its that are in the film, once that is done. */
  readonly made: number | undefined
  readonly frames: number
  readonly fps: number
  /** Frames a second, one for every two seconds, the newest last. */
  readonly history: readonly number[]
  readonly segments: readonly { readonly index: number; readonly frames: number; readonly total: number }[]
  /** Bytes a second to it, and from it. */
  readonly sent: number
  readonly received: number
}

const HISTORY = 24
const HISTORY_MS = 2_000

interface Known {
  name: string
  state: PeerChanged['state']
  detail: string | undefined
  history: number[]
  bytes: { at: number; sent: number; received: number; sentRate: number; receivedRate: number } | undefined
}

export class JobModel {
  job: JobStarted | undefined
  phase = ''
  paused: string | undefined
  progress: JobProgress | undefined
  readonly warnings: string[] = []
  readonly #peers = new Map<string, Known>()
  readonly #parts = new Map<string, Part>()
  #shares: ReadonlyMap<string, PeerShare> = new Map()
  #historyAt = Number.NEGATIVE_INFINITY

  /** @param now milliseconds */
  take(event: JobEvent, now: number): void {
    switch (event.event) {
      case 'job':
        // It begins anew.
        if (this.job !== undefined && !(this.job.isEstimate === true)) this.#parts.clear()
        this.job = event
        return
      case 'resumed':
        for (const [first, end] of event.stretches) {
          this.#parts.set(`before ${first}`, { first, end, peer: undefined, encoded: undefined })
        }
        return
      case 'phase':
        this.phase = event.phase
        return
      case 'paused':
        this.paused = event.message
        return
      case 'continued':
        this.paused = undefined
        return
      case 'warning':
        this.warnings.push(event.message)
        return
      case 'peer': {
        const known = this.#know(event.peer, event.name)
        known.state = event.state
        known.detail = event.detail
        return
      }
      case 'segment': {
        const text = failureText(event, this.#peers.get(event.peer)?.name)
        if (text !== undefined) this.warnings.push(text)
        const { index, first, frames, peer, state } = event
        const part = { first, end: first + frames, peer }
        const key = `${index} ${peer}`
        if (state === 'assigned' || state === 'encoding') this.#parts.set(key, { ...part, encoded: 0 })
        else if (state === 'encoded') this.#parts.set(key, { ...part, encoded: frames })
        else if (state === 'verified') this.#parts.set(key, { ...part, encoded: undefined })
        else this.#parts.delete(key)
        return
      }
      case 'progress':
        this.#onProgress(event, now)
        return
      case 'done':
        this.phase = 'done'
        this.#shares = new Map(event.peers.map((share) => [share.peer, share]))
        return
      default:
        return
    }
  }

  /** What is there and under way, for a picture of the film: what is here stands before what is in hand. */
  get parts(): readonly Part[] {
    const parts = [...this.#parts.values()]
    return [
      ...parts.filter(({ encoded }) => encoded === undefined),
      ...parts.filter(({ encoded }) => encoded !== undefined),
    ]
  }

  /** Whoever has a part in the job, in the order in which they came. */
  get peers(): readonly PeerLine[] {
    const working = new Map(this.progress?.peers.map((peer) => [peer.peer, peer]))
    return [...this.#peers].map(([peer, { name, state, detail, history, bytes }]) => {
      const { frames = 0, fps = 0, segments = [] } = working.get(peer) ?? {}
      const share = this.#shares.get(peer)
      const isDone = this.phase === 'done'
      return {
        ...{ peer, name, detail, fps, history, segments },
        made: isDone ? (share?.segments ?? 0) : undefined,
        frames: isDone ? (share?.frames ?? 0) : frames,
        state: stateOf(state, segments.length > 0),
        sent: bytes?.sentRate ?? 0,
        received: bytes?.receivedRate ?? 0,
      }
    })
  }

  #know(peer: string, name: string): Known {
    const known = this.#peers.get(peer) ?? {
      name,
      state: 'joined',
      detail: undefined,
      history: [],
      bytes: undefined,
    }
    this.#peers.set(peer, known)
    return known
  }

  #onProgress(progress: JobProgress, now: number): void {
    this.progress = progress
    const isTime = now - this.#historyAt >= HISTORY_MS
    if (isTime) this.#historyAt = now
    for (const { peer, name, fps, segments, bytesSent: sent, bytesReceived: received } of progress.peers) {
      const known = this.#know(peer, name)
      for (const { index, frames } of segments) {
        const part = this.#parts.get(`${index} ${peer}`)
        if (part?.encoded !== undefined) this.#parts.set(`${index} ${peer}`, { ...part, encoded: frames })
      }
      if (!isTime) continue
      known.history = [...known.history, fps].slice(-HISTORY)
      const { bytes } = known
      const seconds = bytes === undefined ? 0 : (now - bytes.at) / 1000
      known.bytes = {
        ...{ at: now, sent, received },
        sentRate: bytes === undefined || seconds <= 0 ? 0 : (sent - bytes.sent) / seconds,
        receivedRate: bytes === undefined || seconds <= 0 ? 0 : (received - bytes.received) / seconds,
      }
    }
  }
}

function stateOf(state: PeerChanged['state'], hasWork: boolean): PeerLine['state'] {
  switch (state) {
    case 'joined':
      return hasWork ? 'working' : 'idle'
    case 'unusable':
    case 'excluded':
      return 'out'
    default:
      return state
  }
}
