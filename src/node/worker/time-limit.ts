/**
 * How long one task may keep a worker's slot: a source or filters that are made to take for ever would keep the machine from everybody
 * else. Honest work gives a frame within minutes, also where an encoder looks far ahead.
 */
import { Countdown } from '../../protocols/countdown.ts'

export interface TimeLimits {
  /** Milliseconds without a frame more, other than those spent waiting for the source. */
  readonly silentMs: number
  /** Milliseconds altogether. */
  readonly totalMs: number
}

export const TASK_LIMITS: TimeLimits = { silentMs: 60 * 60_000, totalMs: 48 * 3_600_000 }

export interface TimeLimit {
  /** Aborted with an error of the code TASK_TIME. */
  readonly signal: AbortSignal
  /** @param frames that there are by now @param isWaiting for bytes of the source */
  onProgress(frames: number, isWaiting: boolean): void
  end(): void
}

export function limitTime({ silentMs, totalMs }: TimeLimits): TimeLimit {
  const over = new AbortController()
  const stop = (detail: string) => over.abort(Object.assign(new Error(detail), { code: 'TASK_TIME' }))
  const silence = new Countdown(silentMs, () => stop(`no frame more in ${minutes(silentMs)}`))
  const all = new Countdown(totalMs, () => stop(`not done in ${minutes(totalMs)}`))
  let most = 0
  return {
    signal: over.signal,
    onProgress(frames, isWaiting) {
      if (frames > most || isWaiting) silence.refresh()
      most = Math.max(most, frames)
    },
    end() {
      silence.stop()
      all.stop()
    },
  }
}

function minutes(ms: number): string {
  return `${Math.round(ms / 60_000)} minutes`
}
