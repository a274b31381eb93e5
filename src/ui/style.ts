/** Colours and signs, as the terminal and its user want them. Pure: what they want is passed in. */
import { styleText } from 'node:util'

export type Colour = 'green' | 'yellow' | 'red' | 'cyan' | 'magenta' | 'blue' | 'dim' | 'bold'

export interface Style {
  paint(colour: Colour, text: string): string
  readonly signs: Signs
}

export interface Signs {
  readonly done: string
  readonly encoded: string
  readonly inHand: string
  readonly left: string
  /** From nothing to the most. */
  readonly levels: readonly string[]
  readonly peer: string
  readonly to: string
  readonly sent: string
  readonly received: string
  readonly warning: string
  readonly cut: string
}

const UNICODE: Signs = {
  ...{ done: '█', encoded: '▓', inHand: '▒', left: '░', peer: '●', to: '→' },
  levels: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
  ...{ sent: '↑', received: '↓', warning: '⚠', cut: '…' },
}

const ASCII: Signs = {
  ...{ done: '#', encoded: '=', inHand: '-', left: '.', peer: '*', to: '->' },
  levels: ['_', '.', ':', '-', '=', '+', '*', '#'],
  ...{ sent: 'up', received: 'down', warning: '!', cut: '~' },
}

export function styleOf({ colours, unicode }: { colours: boolean; unicode: boolean }): Style {
  return {
    paint: colours ? (colour, text) => styleText(colour, text, { validateStream: false }) : (_, text) => text,
    signs: unicode ? UNICODE : ASCII,
  }
}

/** https://no-color.org; FORCE_COLOR as Node has it. */
export function wantsColours(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if ((env.NO_COLOR ?? '') !== '') return false
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false'
  return isTerminal && env.TERM !== 'dumb'
}

/** Whether the locale is one of UTF-8, and the terminal one with more than letters. */
export function wantsUnicode(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): boolean {
  if (platform === 'win32') return env.WT_SESSION !== undefined || env.TERM_PROGRAM !== undefined
  const locale =
    [env.LC_ALL, env.LC_CTYPE, env.LANG].find((value) => value !== undefined && value !== '') ?? ''
  return /utf-?8/i.test(locale) && env.TERM !== 'linux'
}
