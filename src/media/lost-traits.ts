/**
 * What of a video's traits its encoded frames lack, in words with the remedy where there is one. Decided by comparing the
 * source's first frames with those of a trial, since what an encoder passes on differs by version and by build.
 */
import type { PictureTraits } from './picture-traits.ts'

export interface Trial {
  readonly source: PictureTraits
  /** Of the source's first frames, encoded by the job's params into the output's container. */
  readonly encoded: PictureTraits
  /** FFmpeg's name of the encoder. */
  readonly encoder: string
  /** The job's video options. */
  readonly params: readonly string[]
}

/** Whether a trial could show a loss at all: ordinary video carries nothing that could get lost. */
export function mayLose(source: PictureTraits): boolean {
  const kinds = [DOLBY_VISION, ...OTHERS.map(([kind]) => kind)]
  return isHdr(source) || kinds.some((kind) => carries(source, kind))
}

/** One sentence for each loss. */
export function describeLosses(trial: Trial): string[] {
  return [...tooFewBits(trial), ...lostMastering(trial), ...lostDolbyVision(trial), ...lostOthers(trial)]
}

const PQ = 'smpte2084'
const HLG = 'arib-std-b67'
const MASTERING = 'Mastering display metadata'
const LIGHT_LEVEL = 'Content light level metadata'
const DOLBY_VISION_RECORD = 'DOVI configuration record'
const DOLBY_VISION_FRAME = /^Dolby Vision/
const DOLBY_VISION = /^Dolby Vision|^DOVI/

function carries({ sideData }: PictureTraits, kind: RegExp): boolean {
  return [...sideData.keys()].some((name) => kind.test(name))
}

function isHdr({ transfer }: PictureTraits): boolean {
  return transfer === PQ || transfer === HLG
}

function tooFewBits({ encoded, encoder }: Trial): string[] {
  if (!isHdr(encoded) || /(p0|9|10|12|14|16)(le|be)$/.test(encoded.pixelFormat)) return []
  const format = encoded.transfer === PQ ? 'HDR (PQ)' : 'HDR (HLG)'
  return [
    `${format} is encoded with 8 bits (${encoded.pixelFormat}), which shows as bands: add -pix_fmt yuv420p10le, or take another encoder if ${encoder} cannot do it`,
  ]
}

function lostMastering(trial: Trial): string[] {
  const { source, encoded, encoder, params } = trial
  // Tone-mapped pictures have no use for it, and FFmpeg cannot read it back from H.264.
  if (encoded.transfer !== PQ || params.some((word) => /master(ing)?[-_]display=/.test(word))) return []
  const lost = [MASTERING, LIGHT_LEVEL].filter((kind) => isThere(source, kind) && !isThere(encoded, kind))
  if (lost.length === 0) return []
  const what = [
    ...(lost.includes(MASTERING) ? ['the mastering display'] : []),
    ...(lost.includes(LIGHT_LEVEL) ? ['the light level (MaxCLL)'] : []),
  ]
  return [`HDR10: ${what.join(' and ')} would be lost: ${masteringRemedy(source, encoder)}`]
}

/** x265 writes a light level of nothing where it is told only that the film is HDR10. */
function isThere({ sideData }: PictureTraits, kind: string): boolean {
  const fields = sideData.get(kind)
  return fields !== undefined && !(fields.max_content === 0 && fields.max_average === 0)
}

function masteringRemedy(source: PictureTraits, encoder: string): string {
  const style = MASTERING_OPTIONS.get(encoder)
  if (style === undefined) return `${encoder} cannot write it; libx265 and libsvtav1 can`
  const display = source.sideData.get(MASTERING)
  const light = source.sideData.get(LIGHT_LEVEL)
  const settings = [
    ...style.always,
    ...(display === undefined ? [] : [`${style.display}=${formatDisplay(display, style)}`]),
    ...(light === undefined ? [] : [`${style.light}=${light.max_content},${light.max_average}`]),
  ]
  return `add to ${style.option} ${settings.join(':')}`
}

interface MasteringStyle {
  readonly option: string
  readonly always: readonly string[]
  readonly display: string
  readonly light: string
  /** What one stands for in its numbers: HEVC's steps of 1/50000 and 0.0001 cd/m2, or plain numbers. */
  readonly coordinate: number
  readonly luminance: number
}

const STEPS = { coordinate: 50_000, luminance: 10_000 }

const MASTERING_OPTIONS: ReadonlyMap<string, MasteringStyle> = new Map([
  [
    'libx265',
    {
      option: '-x265-params',
      always: ['hdr10=1'],
      display: 'master-display',
      light: 'max-cll',
      ...STEPS,
    },
  ],
  ['libx264', { option: '-x264-params', always: [], display: 'mastering-display', light: 'cll', ...STEPS }],
  [
    'libsvtav1',
    {
      option: '-svtav1-params',
      always: [],
      display: 'mastering-display',
      light: 'content-light',
      coordinate: 1,
      luminance: 1,
    },
  ],
])

function formatDisplay(
  fields: Readonly<Record<string, unknown>>,
  { coordinate, luminance }: MasteringStyle,
): string {
  const point = (name: string) => `(${number(`${name}_x`, coordinate)},${number(`${name}_y`, coordinate)})`
  const range = `(${number('max_luminance', luminance)},${number('min_luminance', luminance)})`
  return `G${point('green')}B${point('blue')}R${point('red')}WP${point('white_point')}L${range}`

  function number(name: string, scale: number): number {
    const [numerator = 0, denominator = 1] = String(fields[name]).split('/').map(Number)
    const value = (numerator * scale) / denominator
    return scale === 1 ? Number(value.toFixed(5)) : Math.round(value)
  }
}

/** A single run copies the record of Dolby Vision into Matroska, but what it speaks of is in the frames. */
function lostDolbyVision({ source, encoded, encoder }: Trial): string[] {
  if (!carries(source, DOLBY_VISION) || carries(encoded, DOLBY_VISION_FRAME)) return []
  const profile = source.sideData.get(DOLBY_VISION_RECORD)?.dv_profile
  const name = `Dolby Vision${profile === undefined ? '' : ` (profile ${profile})`}`
  return [
    profile === 5
      ? `${name} would be lost, and its pictures have wrong colours without it: ${encoder} does not write it; take a source with HDR10 or HLG`
      : `${name} would be lost: ${encoder} does not write it; what remains is its base layer`,
  ]
}

/** Kinds of side data as FFmpeg names them, what people call them, and what can be done. */
const OTHERS: readonly (readonly [RegExp, string, string])[] = [
  [/^HDR Dynamic Metadata SMPTE2094-40/, 'HDR10+ metadata of each scene', 'what remains is HDR10'],
  [/^HDR Dynamic Metadata CUVA/, 'HDR Vivid metadata of each scene', 'what remains is the base layer'],
  [/^ATSC A53/, 'closed captions inside the pictures', 'libx264 can keep them'],
  [/^SMPTE 12-1 timecode|^GOP timecode/, 'the timecode inside the pictures', ''],
  [/^Active format description/i, 'the active format description', ''],
  [/^Stereo ?3D|^Stereoscopic/i, 'the stereo 3D arrangement', 'in mp4, -strict unofficial keeps it'],
  [/^Spherical Mapping/, 'the spherical projection (360°)', 'in mp4, -strict unofficial keeps it'],
]

function lostOthers({ source, encoded, encoder }: Trial): string[] {
  return OTHERS.filter(([kind]) => carries(source, kind) && !carries(encoded, kind)).map(
    ([, what, remedy]) =>
      `${what} would be lost: ${encoder} does not write it here${remedy === '' ? '' : `; ${remedy}`}`,
  )
}
