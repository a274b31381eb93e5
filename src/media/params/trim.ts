/** `-ss`, `-t` and `-to`: the part of the film that the output is to have. */
import { formatMicroseconds } from '../rational.ts'
import { invalid, type Option } from './words.ts'

/** In microseconds from the film's zero point, as FFmpeg reads a duration. */
export interface Trim {
  readonly startMicroseconds: bigint | undefined
  readonly durationMicroseconds: bigint | undefined
}

/** @throws MediaError PARAMS_INVALID for what is no time, and for an end before the start. */
export function readTrim(options: readonly Option[]): Trim {
  const [start, duration, end] = ['ss', 't', 'to'].map((name) =>
    options.findLast((option) => option.name === name),
  )
  const startMicroseconds = start === undefined ? undefined : readTime(start)
  if (duration !== undefined)
    return { startMicroseconds, durationMicroseconds: positive(duration, readTime(duration)) }
  if (end === undefined) return { startMicroseconds, durationMicroseconds: undefined }
  return { startMicroseconds, durationMicroseconds: positive(end, readTime(end) - (startMicroseconds ?? 0n)) }
}

/** The same as ffmpeg's output options. */
export function trimArguments({ startMicroseconds, durationMicroseconds }: Trim): string[] {
  return [
    ...(startMicroseconds === undefined ? [] : ['-ss', formatMicroseconds(startMicroseconds)]),
    ...(durationMicroseconds === undefined ? [] : ['-t', formatMicroseconds(durationMicroseconds)]),
  ]
}

function positive(option: Option, microseconds: bigint): bigint {
  if (microseconds <= 0n) throw invalid(option.written, 'it leaves nothing of the film')
  return microseconds
}

/** FFmpeg's two notations of a duration: `1:02:03.5` and `3723.5`, `3723500ms`, `3723500000us`. */
export function readTime({ written, value = '' }: Pick<Option, 'written' | 'value'>): bigint {
  const clock = /^(?:(\d{1,6}):)?([0-5]?\d):([0-5]?\d)(?:\.(\d*))?$/.exec(value)
  if (clock !== null) {
    const [, hours = '0', minutes = '0', seconds = '0', fraction = ''] = clock
    return (
      (BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds)) * 1_000_000n + sixDigits(fraction)
    )
  }
  const count = /^(\d{1,10})(?:\.(\d*))?(s|ms|us)?$/.exec(value)
  if (count === null) {
    throw invalid(written, `'${value}' is no time from the start; write seconds such as 90.5, or 1:30.5`)
  }
  const [, whole = '0', fraction = '', unit = 's'] = count
  const inUnit = BigInt(whole) * 1_000_000n + sixDigits(fraction)
  return inUnit / (unit === 's' ? 1n : unit === 'ms' ? 1_000n : 1_000_000n)
}

/** Digits behind the sixth do not count. */
function sixDigits(fraction: string): bigint {
  return BigInt(fraction.slice(0, 6).padEnd(6, '0'))
}
