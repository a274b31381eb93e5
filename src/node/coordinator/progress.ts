/** Tells while segments are encoded how far a job is. */

import type { JobProgress, PeerProgress } from './events.ts'
import { FrameRate } from './frame-rate.ts'

const INTERVAL_MS = 500

export interface ProgressSources {
  /** Milliseconds. */
  now(): number
  /** Of the whole film, as far as it is known. */
  totalFrames(): number
  framesDone(): number
  /** Until the last segment is here, once all are given out; undefined before. */
  secondsToEnd(): number | undefined
  /** From then on until the output has its name. */
  endingSeconds(): number
  peers(): readonly Omit<PeerProgress, 'fps'>[]
  traffic(): Pick<JobProgress, 'bytesSent' | 'bytesReceived'>
  emit(event: JobProgress): void
}

/** @returns a function that ends it, and tells once more */
export function tellProgress(sources: ProgressSources): () => void {
  const { totalFrames, framesDone, traffic, emit } = sources
  const seconds = () => sources.now() / 1000
  // What is there from before says nothing of the speed.
  const rate = new FrameRate(seconds(), framesDone())
  const rates = new Map<string, FrameRate>()
  const rateOf = ({ peer, frames }: Omit<PeerProgress, 'fps'>, now: number) => {
    const known = rates.get(peer) ?? new FrameRate(now, frames)
    rates.set(peer, known)
    return rounded(known.update(now, frames))
  }
  const tell = () => {
    const now = seconds()
    const [frames, total] = [framesDone(), totalFrames()]
    const fps = rate.update(now, frames)
    emit({
      event: 'progress',
      frames,
      total,
      fps: rounded(fps),
      ...(fps > 0 ? { eta: secondsLeft((total - frames) / fps) } : {}),
      ...traffic(),
      peers: sources.peers().map((peer) => ({ ...peer, fps: rateOf(peer, now) })),
    })
  }
  // At the end some are at work while others have nothing left to do.
  const secondsLeft = (atThisRate: number) =>
    Math.round(Math.max(atThisRate, sources.secondsToEnd() ?? 0) + sources.endingSeconds())
  const timer = setInterval(tell, INTERVAL_MS)
  return () => {
    clearInterval(timer)
    tell()
  }
}

function rounded(fps: number): number {
  return Math.round(fps * 100) / 100
}
