/**
 * Which video filters give the same frames on a segment as on the whole film: those that look at one frame at a time.
 * Filters with memory need frames from beyond the cut, and filters that open files are not taken at all.
 */

const FRAME_BY_FRAME: ReadonlySet<string> = new Set([
  ...[
    'scale',
    'zscale',
    'crop',
    'pad',
    'format',
    'noformat',
    'setsar',
    'setdar',
    'setparams',
    'setrange',
    'setfield',
  ],
  ...[
    'hflip',
    'vflip',
    'transpose',
    'rotate',
    'swapuv',
    'null',
    'copy',
    'eq',
    'hue',
    'unsharp',
    'cas',
    'gblur',
  ],
  ...[
    'boxblur',
    'avgblur',
    'smartblur',
    'sab',
    'deband',
    'gradfun',
    'drawbox',
    'drawgrid',
    'negate',
    'limiter',
  ],
  ...[
    'lutyuv',
    'lutrgb',
    'lut',
    'colorspace',
    'colormatrix',
    'colorchannelmixer',
    'colorbalance',
    'colorlevels',
  ],
  ...['vibrance', 'exposure', 'tonemap', 'lenscorrection', 'perspective', 'fillborders', 'delogo'],
  ...[
    'median',
    'sharpen',
    'convolution',
    'edgedetect',
    'monochrome',
    'chromashift',
    'rgbashift',
    'shuffleplanes',
  ],
])

/** Why a chain of video filters is not taken, or undefined where it is. */
export function whyFiltersRefused(chain: string): string | undefined {
  if (/[[\];]/.test(chain)) return 'only a simple chain of filters is taken, without labels'
  for (const filter of splitUnquoted(chain, ',')) {
    const [name = '', args = ''] = cutAt(filter.trim(), '=')
    const bare = name.replace(/@.*$/, '')
    if (!FRAME_BY_FRAME.has(bare)) {
      return `filter '${bare}' is not known to give the same frames segment by segment; run it with ffmpeg itself`
    }
    if (countsFrames(bare, args)) {
      return `filter '${bare}' counts frames (n), which starts anew in each segment; use the time t instead`
    }
    if (/(file|psfile|kernel)=|\//i.test(args.replace(/[0-9a-z_)]\s*\/\s*[0-9a-z_(]/gi, ''))) {
      return `filter '${bare}' names a file, which the other machines do not have`
    }
  }
  return undefined
}

/** Whether an expression uses the number of the frame; `perspective` calls it `in` and `on`. */
function countsFrames(filter: string, args: string): boolean {
  const names = args.match(/[a-z_][a-z0-9_]*/gi) ?? []
  return names.some((name) => /^(n|pos)$/i.test(name) || (filter === 'perspective' && /^(in|on)$/.test(name)))
}

function splitUnquoted(text: string, separator: string): string[] {
  const parts = ['']
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    if (char === '\\' && !quoted) {
      parts.push((parts.pop() ?? '') + char + (text[++at] ?? ''))
      continue
    }
    if (char === "'") quoted = !quoted
    if (char === separator && !quoted) parts.push('')
    else parts.push((parts.pop() ?? '') + char)
  }
  return parts
}

function cutAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
