/**
 * The grammar of a user's FFmpeg parameters: sorted into what each segment's encoder gets, what audio and subtitles
 * get once, and what the final container gets; or refused with one line.
 *
 * ```ts
 * const params = parseParams('-c:v libsvtav1 -preset 6 -crf 30 -c:a libopus', { defaultEncoder: 'libx264' })
 * params.video // ['-c:v', 'libsvtav1', '-preset', '6', '-crf', '30']
 * params.audio // ['-c:a', 'libopus']
 * ```
 */
import { MediaError } from '../failure.ts'
import type { Encoder } from '../ffmpeg/index.ts'
import { type FilterChain, NO_FILTERS, readChain } from '../filters/index.ts'
import { formatRational, type Rational } from '../rational.ts'
import { whyAudioFiltersRefused } from './audio-filters.ts'
import { type ForcedKeyframes, keyframeArguments, readForcedKeyframes } from './forced-keyframes.ts'
import { type FrameSync, readFrameSync } from './frame-sync.ts'
import { TOO_MANY_THREADS, tooManyThreads, whyPrivateOptionRefused } from './private-options.ts'
import { readStreamChoice, type StreamChoice } from './stream-choice.ts'
import { readTrim, type Trim } from './trim.ts'
import { invalid, type Kind, kindOf, type Option, readOptions } from './words.ts'

export type { ForcedKeyframes } from './forced-keyframes.ts'
export type { FrameSync } from './frame-sync.ts'
export { chooseStreams, type StreamChoice } from './stream-choice.ts'
export { type Trim, trimArguments } from './trim.ts'
export { splitParams } from './words.ts'

export interface EncodeParams {
  /** The video encoder's name in FFmpeg. */
  readonly encoder: string
  /** Options of each segment's encoder, the encoder among them, without filters. */
  readonly video: readonly string[]
  readonly filters: FilterChain
  /** Where the user wants keyframes; each segment is told its own. */
  readonly forcedKeyframes: ForcedKeyframes | undefined
  readonly trim: Trim
  /** Undefined: every frame keeps its own time. */
  readonly sync: FrameSync | undefined
  readonly streams: StreamChoice
  /** `-f`: FFmpeg's name of the output's format, which its file name must say too. */
  readonly format: string | undefined
  /** Audio options; empty: the tracks are copied. */
  readonly audio: readonly string[]
  /** Subtitle options; empty: copied or converted as the container needs. */
  readonly subtitle: readonly string[]
  /** Options of the final container. */
  readonly output: readonly string[]
}

export interface ParseOptions {
  /** The encoder when the params name none. */
  defaultEncoder: string
  /** Undefined where this ffmpeg has no such encoder. */
  findEncoder(encoder: string): Promise<Encoder | undefined>
  /** The ffmpeg that is asked, for the message. */
  ffmpegPath: string
  /** `segment`: what comes from another node, where nothing but the video's options has a place. */
  scope?: 'job' | 'segment'
}

/**
 * @param tokens the words of the params, as {@link splitParams} gives them
 * @throws MediaError PARAMS_INVALID that names the option and the remedy; ENCODER_MISSING.
 */
export async function parseParams(tokens: readonly string[], options: ParseOptions): Promise<EncodeParams> {
  const read = readOptions(tokens)
  const videoCodec = read.findLast(
    ({ name, specifier }) => name === 'c' && (specifier === '' || kindOf(specifier) === 'video'),
  )
  const audioCodecs = read.filter(({ name, specifier }) => name === 'c' && kindOf(specifier) === 'audio')
  const wanted = videoCodec?.value ?? options.defaultEncoder
  if (wanted === 'copy') {
    const detail = 'a copied video needs no encoding; name an encoder with -c:v, or use ffmpeg itself'
    throw invalid(`${videoCodec?.written} copy`, detail)
  }
  const encoder = await findEncoder(wanted, options)
  const audioPrivate = new Set<string>()
  for (const codec of audioCodecs) {
    if (codec.value === undefined || codec.value === 'copy') continue
    for (const name of (await findEncoder(codec.value, options)).options) audioPrivate.add(name)
  }

  const trim = readTrim(read)
  const sorted: Record<Kind, string[]> = { video: [], audio: [], subtitle: [], output: [] }
  let filters = NO_FILTERS
  sorted.video.push('-c:v', encoder.name)
  for (const option of read) {
    if (option.use?.kind === 'job') {
      if (options.scope === 'segment') throw invalid(option.written, FOREIGN)
      continue
    }
    if (options.scope !== 'segment' && isCopyOfAll(option)) {
      // The video's encoder is named behind it.
      sorted.audio.push('-c:a', 'copy')
      sorted.subtitle.push('-c:s', 'copy')
      continue
    }
    // One word for all encoders; tracks that are copied have none.
    if (OF_ALL_STREAMS.has(option.name) && option.specifier === '' && audioCodecs.length > 0) {
      sorted.audio.push(`-${option.name}:a`, option.value ?? '')
    }
    const kind = sortOption(option, { videoPrivate: encoder.options, audioPrivate })
    if (options.scope === 'segment' && kind !== 'video') throw invalid(option.written, FOREIGN)
    if (kind === 'audio' && option.name === 'filter' && trim.durationMicroseconds === undefined) {
      const why = whyAudioFiltersRefused(option.value ?? '')
      if (why !== undefined) throw invalid(option.written, why)
    }
    // Of several chains ffmpeg takes the last.
    if (kind === 'video' && option.name === 'filter') filters = chainOf(option)
    else if (kind === 'video' && OF_THE_WHOLE.has(option.name)) continue
    else sorted[kind].push(option.written, ...(option.value === undefined ? [] : [option.value]))
  }
  return {
    encoder: encoder.name,
    filters,
    forcedKeyframes: readForcedKeyframes(read),
    trim,
    sync: readFrameSync(read),
    streams: readStreamChoice(read),
    format: read.findLast(({ name }) => name === 'f')?.value,
    ...sorted,
  }
}

/**
 * Whether the source's tags of streams and chapters are copied. One `-map_metadata -1` turns that off for good, since a later
 * `0` copies the file's tags alone, as does `:g`.
 */
export function keepsMetadata({ output }: Pick<EncodeParams, 'output'>): boolean {
  return !output.some((word, at) => word === '-1' && output[at - 1] === '-map_metadata')
}

/** Whether the tracks say the languages that they have in the source. */
export function keepsLanguages(params: Pick<EncodeParams, 'output'>): boolean {
  return keepsMetadata(params) && !params.output.some((word) => word.startsWith('language='))
}

/** Of several `-map_chapters`, whatever their specifiers, ffmpeg takes the last. */
export function keepsChapters({ output }: Pick<EncodeParams, 'output'>): boolean {
  const chosen = output.findLast((_, at) => /^-map_chapters(:|$)/.test(output[at - 1] ?? ''))
  return chosen !== '-1'
}

/** Without a specifier ffmpeg gives these to every encoder, where it takes `-b` and `-profile` for the video's. */
const OF_ALL_STREAMS: ReadonlySet<string> = new Set([
  ...['strict', 'q', 'compression_level', 'cutoff', 'frame_size', 'flags', 'flags2', 'global_quality'],
])

/** Video options that are not handed on as they are. */
const OF_THE_WHOLE: ReadonlySet<string> = new Set(['c', 'force_key_frames'])

const FOREIGN = 'a segment takes video options alone'

/** The words that stand for the video's params on a command line that has no other filters. */
export function videoArguments(
  params: Pick<EncodeParams, 'video' | 'filters' | 'forcedKeyframes'>,
): string[] {
  const { text } = params.filters
  return [...encoderArguments(params), ...(text === '' ? [] : ['-filter:v', text])]
}

/** How a single run times the frames on the way to the encoder. */
export function syncArguments({ sync }: Pick<EncodeParams, 'sync'>, encoderTimeBase: Rational): string[] {
  return sync === undefined
    ? ['-fps_mode:v', 'passthrough', '-enc_time_base:v', formatRational(encoderTimeBase)]
    : [...sync.arguments]
}

/** The video's params without filters. */
export function encoderArguments({
  video,
  forcedKeyframes,
}: Pick<EncodeParams, 'video' | 'forcedKeyframes'>): string[] {
  return [...video, ...keyframeArguments(forcedKeyframes)]
}

/** A name for the codec, as mp4 and mov have it: other containers write nothing of it. */
export function withoutTag(params: EncodeParams): EncodeParams {
  const isTag = (word: string | undefined) => /^-v?tag(:|$)/.test(word ?? '')
  return { ...params, video: params.video.filter((word, at, all) => !isTag(word) && !isTag(all[at - 1])) }
}

async function findEncoder(name: string, options: ParseOptions): Promise<Encoder> {
  const encoder = await options.findEncoder(name)
  if (encoder !== undefined) return encoder
  throw new MediaError({ code: 'ENCODER_MISSING', encoder: name, path: options.ffmpegPath })
}

function isCopyOfAll({ name, specifier, value }: Option): boolean {
  return name === 'c' && specifier === '' && value === 'copy'
}

function chainOf({ written, value = '' }: Option): FilterChain {
  const chain = readChain(value)
  if (typeof chain === 'string') throw invalid(written, chain)
  return chain
}

function sortOption(
  option: Option,
  { videoPrivate, audioPrivate }: { videoPrivate: ReadonlySet<string>; audioPrivate: ReadonlySet<string> },
): Kind {
  const { name, specifier, written, value = '' } = option
  if (value.length > VALUE_CHARS_MAX)
    throw invalid(written, `its value is longer than ${VALUE_CHARS_MAX} characters`)
  const specifiedKind = specifier === '' ? undefined : kindOf(specifier)
  if (option.use?.kind === 'output') {
    const why = whyOutputRefused(option)
    if (why !== undefined) throw invalid(written, why)
    return 'output'
  }
  if (specifier !== '' && specifiedKind === undefined) {
    throw invalid(
      written,
      `stream specifier '${specifier}' is not taken; use :v, :a or :s, with a number where needed`,
    )
  }
  if (name === 'threads' && tooManyThreads(value)) throw invalid(written, TOO_MANY_THREADS)
  if (name === 'flags' && /pass[12]|^\s*[+-]?\d|(^|[+-])0x/i.test(value)) {
    throw invalid(
      written,
      'name flags by their words, without pass1 and pass2: statistics of the whole film do not fit a segment',
    )
  }
  if (specifiedKind === 'video' && !/^v(:0)?$/i.test(specifier)) {
    throw invalid(written, 'only the first video stream is encoded')
  }
  if (name === 'c') {
    if (specifiedKind !== undefined) return specifiedKind
    throw invalid(written, 'say for which streams: -c:v, -c:a or -c:s')
  }
  if (name === 'filter' && specifiedKind === 'audio') return 'audio'
  if (option.use?.kind === 'specified') return specifiedKind ?? 'video'
  if (option.use !== undefined && option.use.kind !== 'refused' && option.use.kind !== 'job') {
    return option.use.kind
  }
  const isVideos = specifiedKind !== 'audio' && videoPrivate.has(name)
  const isAudios = specifiedKind !== 'video' && audioPrivate.has(name)
  if ((isVideos || isAudios) && option.value === undefined) throw invalid(written, 'its value is missing')
  if (isVideos) {
    const why = whyPrivateOptionRefused(name, value)
    if (why !== undefined) throw invalid(written, why)
    return 'video'
  }
  if (isAudios) return 'audio'
  throw invalid(
    written,
    "no such option of ffmpeg or of this encoder, or not one that ffswarm knows: leave it out; 'ffmpeg -h encoder=NAME' lists an encoder's own",
  )
}

/** The joined video comes from the segments, so its dispositions are not there to be added to. */
function whyOutputRefused({ name, specifier, value = '' }: Option): string | undefined {
  switch (name) {
    case 'disposition':
      return /^[+-]/.test(value) && !/^[as](:|$)/.test(specifier)
        ? 'name all dispositions of the video, without + or -'
        : undefined
    case 'map_metadata':
    case 'map_chapters':
      return /^g?$/.test(specifier) && /^(0|-1)$/.test(value)
        ? undefined
        : 'only 0 (keep, the default) and -1 (leave out) are taken'
    default:
      return undefined
  }
}

// The longest sensible value is an encoder's list of private options; one offer holds 64 KiB in all.
const VALUE_CHARS_MAX = 4_096
