/** Tells while segments are encoded how far a job is. */
import type { JobProgress } from './events.ts'

const INTERVAL_MS = 500

export interface ProgressSources {
  /** Milliseconds. */
  now(): number
  /** Of the whole film, as far as it is known. */
  totalFrames(): number
  framesDone(): number
  traffic(): Pick<JobProgress, 'bytesSent' | 'bytesReceived'>
  emit(event: JobProgress): void
}

/** @returns a function that ends it, and tells once more */
export function tellProgress({ now, totalFrames, framesDone, traffic, emit }: ProgressSources): () => void {
  const began = now()
  // What is there from before says nothing of the speed.
  const framesBefore = framesDone()
  const tell = () => {
    const seconds = (now() - began) / 1000
    const frames = framesDone()
    const total = totalFrames()
    const fps = (frames - framesBefore) / Math.max(seconds, 1e-3)
    emit({
      event: 'progress',
      frames,
      total,
      fps: Math.round(fps * 100) / 100,
      ...(fps > 0 ? { eta: Math.round((total - frames) / fps) } : {}),
      ...traffic(),
    })
  }
  const timer = setInterval(tell, INTERVAL_MS)
  return () => {
    clearInterval(timer)
    tell()
  }
}
