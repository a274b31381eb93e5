/** `-force_key_frames`: where the user wants keyframes. */
import { formatMicroseconds } from '../rational.ts'
import { readTime } from './trim.ts'
import { invalid, type Option } from './words.ts'

export type ForcedKeyframes =
  /** At the first frame not before each time. */
  | { kind: 'times'; microseconds: readonly bigint[] }
  /** `expr:gte(t,n_forced*S)`: at the start, and whenever so much time has passed. */
  | { kind: 'every'; microseconds: bigint }
  /** Where the source has them. */
  | { kind: 'source' }

/** @throws MediaError PARAMS_INVALID for expressions that a segment cannot follow. */
export function readForcedKeyframes(options: readonly Option[]): ForcedKeyframes | undefined {
  const option = options.findLast(({ name }) => name === 'force_key_frames')
  if (option === undefined) return undefined
  const { written, value = '' } = option
  if (value === 'source') return { kind: 'source' }
  const every = /^expr:\s*gte\(\s*t\s*,\s*n_forced\s*\*\s*(\d{1,5}(?:\.\d+)?)\s*\)$/.exec(value)?.[1]
  if (every !== undefined) {
    const microseconds = readTime({ ...option, value: every })
    if (microseconds > 0n) return { kind: 'every', microseconds }
  }
  if (/^(expr|chapters|scd)/.test(value)) {
    throw invalid(written, 'only times (1,2.5,1:30), expr:gte(t,n_forced*SECONDS) and source are taken')
  }
  const times = value.split(',').map((time) => readTime({ written, value: time }))
  return { kind: 'times', microseconds: times.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)) }
}

/** The same as an option of ffmpeg's. */
export function keyframeArguments(forced: ForcedKeyframes | undefined): string[] {
  if (forced === undefined) return []
  return ['-force_key_frames:v', written(forced)]
}

function written(forced: ForcedKeyframes): string {
  switch (forced.kind) {
    case 'source':
      return 'source'
    case 'every':
      return `expr:gte(t,n_forced*${formatMicroseconds(forced.microseconds)})`
    case 'times':
      return forced.microseconds.map(formatMicroseconds).join(',')
  }
}
