/** `-r`, `-fps_mode` and `-vsync`: a frame rate that the output is to have, as ffmpeg makes it behind the filters. */
import { invalid, type Option } from './words.ts'

export interface FrameSync {
  /** The options as ffmpeg takes them. */
  readonly arguments: readonly string[]
  /** Whether `-r` is among them: each frame then lasts one tick of it. */
  readonly setsRate: boolean
}

/** @returns undefined where every frame keeps its own time: ffswarm's own way. @throws MediaError PARAMS_INVALID */
export function readFrameSync(options: readonly Option[]): FrameSync | undefined {
  const rate = options.findLast(({ name }) => name === 'r')
  const mode = options.findLast(({ name }) => name === 'fps_mode' || name === 'vsync')
  const modeName = mode === undefined ? undefined : readMode(mode)
  if (rate !== undefined && (!RATE.test(rate.value ?? '') || ZERO.test(rate.value ?? ''))) {
    throw invalid(rate.written, `'${rate.value}' is no frame rate; write 25, 29.97, 30000/1001 or ntsc`)
  }
  if (rate === undefined && (modeName === undefined || modeName === 'passthrough')) return undefined
  if (rate !== undefined && modeName !== undefined && modeName !== 'auto' && modeName !== 'cfr') {
    throw invalid(
      rate.written,
      `a constant rate does not go with -fps_mode ${modeName}; leave one of them out`,
    )
  }
  return {
    setsRate: rate !== undefined,
    arguments: [
      ...(rate?.value === undefined ? [] : ['-r:v', rate.value]),
      ...(modeName === undefined ? [] : ['-fps_mode:v', modeName]),
    ],
  }
}

const RATE =
  /^(\d{1,6}(\.\d{1,9})?|[1-9]\d{0,8}[/:][1-9]\d{0,8}|ntsc|pal|qntsc|qpal|sntsc|spal|film|ntsc-film)$/

const ZERO = /^0+(\.0+)?$/

function readMode({ written, value = '' }: Option): string {
  const mode = MODES.get(value)
  if (mode !== undefined) return mode
  throw invalid(written, `'${value}' is not taken; passthrough (the default here), cfr, vfr and auto are`)
}

const MODES: ReadonlyMap<string, string> = new Map([
  ['0', 'passthrough'],
  ['passthrough', 'passthrough'],
  ['1', 'cfr'],
  ['cfr', 'cfr'],
  ['2', 'vfr'],
  ['vfr', 'vfr'],
  ['-1', 'auto'],
  ['auto', 'auto'],
])
