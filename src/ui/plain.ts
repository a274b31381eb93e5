/** A job for people where lines are not rewritten: in a log, a pipe, a dumb terminal. A line for each event, and one of progress now and then. */
import type { JobDone, JobEvent, JobProgress, PeerShare } from '../node/index.ts'
import { formatBytes, formatSeconds, printable } from './format.ts'
import { failureText, segmentText } from './words.ts'

export interface PlainOptions {
  write(text: string): void
  /** Whether each step of each segment is told. */
  isVerbose?: boolean
  /** A monotonic clock in milliseconds. */
  now(): number
}

// Without a terminal a line every ten seconds is enough for a log.
const LOG_INTERVAL_MS = 10_000

export function plainReporter({ write, isVerbose, now }: PlainOptions): (event: JobEvent) => void {
  let job: string | undefined
  let lastLogged = Number.NEGATIVE_INFINITY
  const peers = new Map<string, string>()

  const line = (text: string) => write(`${printable(text)}\n`)
  const told = (text: string | undefined) => text !== undefined && line(`  ${text}`)

  return (event) => {
    switch (event.event) {
      case 'job':
        // A job that learns its frames anew is told again.
        if (event.job !== job) line(`${event.input} → ${event.output}`)
        job = event.job
        line(
          `  ${event.isEstimate ? 'about ' : ''}${event.frames} frames, ${formatSeconds(event.seconds)}, params: ${event.params}`,
        )
        break
      case 'resumed':
        line(
          `  ${event.segments} ${event.segments === 1 ? 'segment' : 'segments'} of it, ${event.frames} frames, are there from before`,
        )
        break
      case 'paused':
        line(`  waiting: ${event.message}`)
        break
      case 'continued':
        line('  there is room again: the job goes on')
        break
      case 'peer':
        peers.set(event.peer, event.name)
        line(`  ${event.name} (…${event.peer.slice(-8)}) ${peerText(event.state, event.slots, event.detail)}`)
        break
      case 'segment':
        told(failureText(event, peers.get(event.peer)))
        if (isVerbose) told(segmentText(event, peers.get(event.peer)))
        break
      case 'warning':
        line(`  warning: ${event.message}`)
        break
      case 'phase':
        if (event.phase === 'joining') line('  joining with the source’s other streams')
        break
      case 'progress':
        if (now() - lastLogged >= LOG_INTERVAL_MS) {
          lastLogged = now()
          line(progressText(event))
        }
        break
      case 'done':
        for (const text of doneText(event)) line(text)
        break
      case 'failed':
        break
    }
  }
}

function progressText({ frames, total, fps, eta, bytesSent, bytesReceived }: JobProgress): string {
  const percent = ((frames / Math.max(1, total)) * 100).toFixed(1).padStart(5)
  const left = eta === undefined ? '' : `, ${formatSeconds(eta)} left`
  return `  ${percent} %  ${frames}/${total} frames, ${fps.toFixed(1)} fps${left}, sent ${formatBytes(bytesSent)}, received ${formatBytes(bytesReceived)}`
}

export function doneText(done: JobDone): string[] {
  const fps = (done.frames - done.framesBefore) / done.wallSeconds
  return [
    `${done.output}: ${done.frames} frames in ${formatSeconds(done.wallSeconds)} (${fps.toFixed(1)} fps), every timestamp checked`,
    ...done.peers.map((share) => `  ${share.name}: ${shareText(share, done)}`),
  ]
}

function shareText({ segments, frames }: PeerShare, done: JobDone): string {
  if (segments === 0) return 'nothing; with the way to it and back, the others were sooner'
  return `${segments} ${segments === 1 ? 'segment' : 'segments'}, ${Math.round((frames / done.frames) * 100)} % of the frames`
}

function peerText(state: string, slots: number, detail: string | undefined): string {
  const reason = detail === undefined ? '' : `: ${detail}`
  switch (state) {
    case 'joined':
      return `works with us, ${slots} ${slots === 1 ? 'slot' : 'slots'}`
    case 'draining':
      return 'takes no more work, and finishes what it has begun'
    case 'left':
      return 'is out of reach; what it is at is awaited for a while'
    case 'resting':
      return `fails again and again, and gets nothing for a while${reason}`
    case 'unusable':
      return `cannot do this job${reason}`
    default:
      return `is left out after repeated failures${reason}`
  }
}
