/** FFmpeg's notation of a simple chain of filters, `scale=640:-2,yadif@a=mode=1`: read into its parts, and written again. */

export interface VideoFilter {
  readonly name: string
  /** Its options as they were written, quotes and escapes included. */
  readonly args: string
}

/**
 * @returns undefined for what is no simple chain: labels, branches, an empty place
 */
export function parseChain(text: string): VideoFilter[] | undefined {
  if (/[[\];]/.test(text)) return undefined
  const filters = splitUnquoted(text, ',').map((part): VideoFilter => {
    const [name, args] = cutAt(part.trim(), '=')
    // `yadif@a`: a name for this one instance.
    return { name: name.replace(/@.*$/, '').trim(), args }
  })
  return filters.every(({ name }) => /^[a-z0-9_]+$/i.test(name)) ? filters : undefined
}

/**
 * The value of one option, whether it was written by its name or by its place.
 *
 * @param place its place among the options that need no name; undefined where it always needs one
 */
export function argumentOf(
  { args }: VideoFilter,
  names: readonly string[],
  place?: number,
): string | undefined {
  const words = args === '' ? [] : splitUnquoted(args, ':')
  for (const [at, word] of words.entries()) {
    const [name, value] = cutAt(word, '=')
    if (/^[a-z_0-9]+$/i.test(name) && word.includes('=')) {
      if (names.includes(name)) return unquote(value)
    } else if (at === place) {
      return unquote(word)
    }
  }
  return undefined
}

function unquote(text: string): string {
  return text.replace(/\\(.)|'/g, '$1').trim()
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
