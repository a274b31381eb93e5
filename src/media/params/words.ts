/** A user's params as words, and as options with their stream specifiers and values. */
import { split } from 'shlex'
import { MediaError } from '../failure.ts'
import { ALIASES, OPTIONS, type OptionUse } from './options.ts'

export type Kind = 'video' | 'audio' | 'subtitle' | 'output'

export interface Option {
  readonly written: string
  readonly name: string
  readonly specifier: string
  readonly value: string | undefined
  readonly use: OptionUse | undefined
}

/** Splits as a shell does. @throws MediaError PARAMS_INVALID for an open quote. */
export function splitParams(text: string): string[] {
  try {
    return split(text)
  } catch (error) {
    throw invalid(text.slice(0, 40), 'a quote is not closed', error)
  }
}

export function readOptions(tokens: readonly string[]): Option[] {
  const read: Option[] = []
  for (let at = 0; at < tokens.length; at++) {
    const written = tokens[at] ?? ''
    if (!/^-[a-zA-Z]/.test(written)) {
      throw invalid(`'${written}'`, 'an option was expected here, such as -c:v libx264')
    }
    const [head = '', ...rest] = written.slice(1).split(':')
    const alias = ALIASES.get(head)
    const name = alias?.name ?? head
    const use = OPTIONS.get(name) ?? OPTIONS.get(head)
    if (use?.kind === 'refused') throw invalid(written, use.why)
    const isFlag = use !== undefined && 'flag' in use && use.flag === true
    // Only what ffswarm does not know may be a flag as well: the next option is not its value then.
    const lacksValue = use === undefined && name !== 'c' && /^-[a-zA-Z]/.test(tokens[at + 1] ?? '-x')
    const value = isFlag || lacksValue ? undefined : tokens[++at]
    if (!isFlag && !lacksValue && value === undefined) throw invalid(written, 'its value is missing')
    read.push({ written, name, specifier: [alias?.specifier, ...rest].filter(Boolean).join(':'), value, use })
  }
  return read
}

export function kindOf(specifier: string): Kind | undefined {
  if (/^v(:|$)/i.test(specifier)) return 'video'
  if (/^a(:|$)/.test(specifier)) return 'audio'
  if (/^s(:|$)/.test(specifier)) return 'subtitle'
  return undefined
}

export function invalid(option: string, detail: string, cause?: unknown): MediaError {
  return new MediaError({ code: 'PARAMS_INVALID', option, detail }, { cause })
}
