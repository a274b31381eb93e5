/**
 * An encoder's own options that do not fit a segment: those that read or write files, which the other machines do not
 * have and must not touch, and those that speak of frames by their number in the whole film.
 */

const FILE = /(^|[-_])(file|filename|path|table|stats|clbin|exec|log)$|file$/i
const NOT_A_FILE = /(^|[-_])profile$/

/** Keys inside `-x264-params`, `-x265-params`, `-svtav1-params` and the like. */
const REFUSED_KEYS: ReadonlyMap<string, string> = new Map([
  ...[
    'csv',
    'recon',
    'dump-yuv',
    'dhdr10-info',
    'dolby-vision-rpu',
    'film-grain',
    'scaling-list',
    'input',
    'output',
    'cqm',
    'second-pass-log',
    'two-pass-output',
  ]
    .concat(['analysis-save', 'analysis-load', 'tcfile-in', 'tcfile-out', 'pass', 'passes'])
    .map((key): [string, string] => [key, 'reads or writes a file, which the other machines do not have']),
  ...['zones', 'frames', 'seek', 'chunk-start', 'chunk-end', 'force-key-frames'].map(
    (key): [string, string] => [key, 'counts frames of the whole film, which starts anew in each segment'],
  ),
])

/** Why an encoder's own option is not taken, or undefined where it is. */
export function whyPrivateOptionRefused(option: string, value: string): string | undefined {
  if (option === 'gop_timecode') return 'counts from the start of a film, which starts anew in each segment'
  if (namesFile(option)) return 'names a file, which the other machines do not have'
  if (!/(params|opts)$/.test(option)) return undefined
  // FFmpeg and the encoders take escapes and quotes off, and what stands behind them is not to be guessed.
  if (/[\\'"]/.test(value)) return 'is not taken with escapes or quotes inside'
  for (const pair of value.split(':')) {
    const [name = '', setting = ''] = pair.split('=')
    // x265 takes its own command line's spelling too.
    const key = name.trim().replace(/^-+/, '').replaceAll('_', '-').toLowerCase()
    if (setting.replace(/\d\/\d/g, '').includes('/'))
      return `'${key}' names a file, which the other machines do not have`
    if (THREADS.test(key) && tooManyThreads(setting)) return `'${key}' ${TOO_MANY_THREADS}`
    // A file of x265's, a strength of SVT-AV1's.
    if (key === 'film-grain' && /^\d+$/.test(setting)) continue
    const why =
      REFUSED_KEYS.get(key) ??
      (namesFile(key) ? 'names a file, which the other machines do not have' : undefined)
    if (why !== undefined) return `'${key}' ${why}`
  }
  return undefined
}

const THREADS = /^(.*-)?threads$|^pools$|^lp$/

/** As many as x264 takes; more only exhausts a machine's memory. */
const THREADS_MAX = 128

export const TOO_MANY_THREADS = `is for ${THREADS_MAX} threads at most`

/** `4`, `auto`, x265's `4,4`. */
export function tooManyThreads(value: string): boolean {
  return (value.match(/\d+/g) ?? []).some((count) => Number(count) > THREADS_MAX)
}

function namesFile(key: string): boolean {
  return FILE.test(key) && !NOT_A_FILE.test(key)
}
