/** How late this process's event loop is: whatever blocks it keeps heartbeats from being sent and peers from being answered. */
import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 40
const LOOK_EVERY_MS = 5_000
/** What nobody notices. */
const LATE_MS = 50

/**
 * @param onLate the longest delay of some seconds, in milliseconds, where it was noticeable
 * @returns a function that ends it
 */
export function watchEventLoop(onLate: (delayMs: number) => void): () => void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  const timer = setInterval(() => {
    const longestMs = delay.max / 1e6 - RESOLUTION_MS
    delay.reset()
    if (longestMs > LATE_MS) onLate(Math.round(longestMs))
  }, LOOK_EVERY_MS)
  timer.unref()
  return () => {
    clearInterval(timer)
    delay.disable()
  }
}
