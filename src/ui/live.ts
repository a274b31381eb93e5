/** A live stream for people: a line for what happens, and one now and then for how it goes. */
import type { LiveEvent } from '../node/live/events.ts'
import { formatBytes, formatSeconds, printable } from './format.ts'

const TELL_EVERY_MS = 10_000

/** @param now milliseconds */
export function liveReporter(write: (text: string) => void, now: () => number): (event: LiveEvent) => void {
  const names = new Map<string, string>()
  let toldAt = Number.NEGATIVE_INFINITY
  const line = (text: string) => write(`${printable(text)}\n`)
  return (event) => {
    switch (event.event) {
      case 'stream':
        line(`${event.input} → ${event.output}`)
        line(
          `  ${event.picture}, ${event.delaySeconds === null ? 'as soon as is safe' : `${event.delaySeconds} s later`}, segments of ${event.segmentSeconds} s, params: ${event.params}`,
        )
        return
      case 'peer':
        names.set(event.peer, event.name)
        line(`  ${event.name}: ${event.state}${event.detail === undefined ? '' : `: ${event.detail}`}`)
        return
      case 'delay':
        line(`  ${event.delaySeconds} s are enough`)
        return
      case 'warning':
        line(`  warning: ${event.message}`)
        return
      case 'piece': {
        const who = event.peer === undefined ? '' : ` (${names.get(event.peer) ?? 'this node'})`
        if (event.state === 'failed') line(`  piece ${event.index} failed${who}: ${event.detail}`)
        if (event.state === 'slate')
          line(`  piece ${event.index} was not there in time: a black picture stands in its place`)
        if (event.state === 'lost') line(`  piece ${event.index} is lost: ${event.detail}`)
        return
      }
      case 'live':
        if (now() - toldAt < TELL_EVERY_MS) return
        toldAt = now()
        line(
          `  ${formatSeconds(event.seconds)}, ${event.pieces} pieces on air, ${event.waiting} on their way, reserve ${event.reserveSeconds ?? '–'} s, sent ${formatBytes(event.bytesSent)}, received ${formatBytes(event.bytesReceived)}`,
        )
        return
      case 'ended':
        line(
          `${event.output}: ${event.frames} frames in ${event.pieces} pieces; ${event.duplicates} made twice, ${event.fallbacks} with the params for need, ${event.slates} black, ${event.lost} lost`,
        )
        return
      default:
        return
    }
  }
}
