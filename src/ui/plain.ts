/**
 * A job for people: on a terminal one progress line that is rewritten, elsewhere a plain line now and then. Everything
 * goes to standard error, so that standard output stays free for results.
 */
import type { JobDone, JobEvent, JobProgress, PeerShare } from '../node/index.ts'

export interface PlainOptions {
  write(text: string): void
  /** Whether lines can be rewritten. */
  isTerminal: boolean
  columns(): number
  /** A monotonic clock in milliseconds. */
  now(): number
}

// Without a terminal a line every ten seconds is enough for a log.
const LOG_INTERVAL_MS = 10_000

/** A peer that is busy, and one whose every segment would fail: the line on the peer says so. */
const TOLD_OF_THE_PEER: ReadonlySet<string> = new Set(['REFUSED', 'PARAMETER_SETS'])

export function plainReporter({ write, isTerminal, columns, now }: PlainOptions): (event: JobEvent) => void {
  let progressShown = false
  let job: string | undefined
  let lastLogged = Number.NEGATIVE_INFINITY
  const peers = new Map<string, string>()

  function line(text: string): void {
    if (progressShown) write('\r\x1b[2K')
    progressShown = false
    write(`${text}\n`)
  }

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
        if (event.state === 'failed' && !TOLD_OF_THE_PEER.has(event.code ?? '')) {
          line(`  segment ${event.index} failed on ${peers.get(event.peer) ?? 'this node'}: ${event.detail}`)
        }
        break
      case 'warning':
        line(`  warning: ${event.message}`)
        break
      case 'phase':
        if (event.phase === 'joining') line('  joining with the source’s other streams')
        break
      case 'progress':
        if (isTerminal) {
          write(`\r\x1b[2K${progressText(event).slice(0, Math.max(20, columns() - 1))}`)
          progressShown = true
        } else if (now() - lastLogged >= LOG_INTERVAL_MS) {
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

function doneText(done: JobDone): string[] {
  const fps = done.frames / done.wallSeconds
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

export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const tail = `${String(minutes).padStart(hours > 0 ? 2 : 1, '0')}:${String(rest).padStart(2, '0')}`
  return hours > 0 ? `${hours}:${tail}` : `${tail} min`
}

export function formatBytes(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(1)} MB`
  return `${(bytes / 1e9).toFixed(2)} GB`
}
