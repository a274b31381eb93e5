/** How the muxer of mp4 and mov holds the starts of tracks, which `-movflags` decides. */
import type { OutputFormat } from './output-format.ts'
import type { EncodeParams } from './params/index.ts'

/**
 * `exact`: each track starts where it should. A fragmented file without edit lists begins at zero. `together`: all tracks
 * move until the first decode time of all is zero, and the first packet of each stands at decode time zero, whatever its own.
 * `apart`: each track moves by itself until its first decode time is zero (CMAF).
 */
export type TrackStarts = 'exact' | 'together' | 'apart'

export function trackStarts(format: OutputFormat, params: Pick<EncodeParams, 'output'>): TrackStarts {
  if (!isFragmented(format, params)) return 'exact'
  const flags = movieFlags(params.output)
  const has = (...names: string[]) => names.some((name) => flags.has(name))
  if (!has('cmaf') && has('delay_moov')) return 'exact'
  return has('cmaf', 'negative_cts_offsets') ? 'apart' : 'together'
}

/** Whether an mp4 or mov is written piece by piece, each with an index of its own. */
export function isFragmented({ demuxer }: OutputFormat, { output }: Pick<EncodeParams, 'output'>): boolean {
  if (demuxer !== 'mov') return false
  const flags = movieFlags(output)
  const hasLength = output.some(
    (word, at) => /^-frag_(duration|size)$/.test(output[at - 1] ?? '') && word !== '0',
  )
  return hasLength || ['cmaf', ...FRAGMENTING].some((name) => flags.has(name))
}

const FRAGMENTING = ['frag_keyframe', 'empty_moov', 'frag_custom', 'frag_every_frame', 'dash', 'isml']

function movieFlags(output: readonly string[]): ReadonlySet<string> {
  return readFlags(output.filter((_, at) => output[at - 1] === '-movflags'))
}

/** A value that begins with a sign adds to those before it. */
function readFlags(values: readonly string[]): ReadonlySet<string> {
  const flags = new Set<string>()
  for (const value of values) {
    if (!/^[+-]/.test(value)) flags.clear()
    for (const [, sign, name = ''] of value.matchAll(/([+-]?)(\w+)/g)) {
      if (sign === '-') flags.delete(name)
      else flags.add(name)
    }
  }
  return flags
}
