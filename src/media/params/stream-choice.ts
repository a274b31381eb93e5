/** `-map`, `-an`, `-sn` and `-dn`: which of the source's streams the output is to have, and in which order. */
import { MediaError } from '../failure.ts'
import type { Source, SourceStream, StreamKind, VideoStream } from '../probe.ts'
import { invalid, type Option } from './words.ts'

export interface StreamChoice {
  /** In the order of the command line; empty: every stream. */
  readonly maps: readonly StreamMap[]
  /** Kinds that are left out, mapped or not. */
  readonly without: readonly StreamKind[]
}

interface StreamMap {
  readonly written: string
  /** `-map -0:a` takes away what earlier ones chose. */
  readonly isNegative: boolean
  /** `-map 0:s?`: it may match nothing. */
  readonly isOptional: boolean
  readonly specifier: string
}

/** @throws MediaError PARAMS_INVALID for what is no choice among one input's streams. */
export function readStreamChoice(options: readonly Option[]): StreamChoice {
  const maps = options.filter(({ name }) => name === 'map').map(({ value = '' }) => readMap(value))
  const without = options.flatMap(({ name }) => WITHOUT.get(name) ?? [])
  return { maps, without }
}

const WITHOUT: ReadonlyMap<string, StreamKind> = new Map([
  ['an', 'audio'],
  ['sn', 'subtitle'],
  ['dn', 'data'],
])

function readMap(value: string): StreamMap {
  const written = `-map ${value}`
  const match = /^(-?)0(?::([^?]*))?(\?)?$/.exec(value)
  if (match === null) {
    const why = value.includes('[') ? 'only simple filters are taken' : 'there is one input, number 0'
    throw invalid(written, `${why}; write -map 0, -map 0:v or -map 0:a:1`)
  }
  const [, minus, specifier = '', mark] = match
  if (!SPECIFIER.test(specifier)) {
    throw invalid(
      written,
      'streams are chosen by number, by kind (v, a, s, d, t) or by language (m:language:eng)',
    )
  }
  return { written, specifier, isNegative: minus === '-', isOptional: mark === '?' }
}

const SPECIFIER = /^(?:([vVasdt])(?::(?!$)|$))?(?:(\d{1,4})|m:language:?([a-z-]{0,16}))?$/

/**
 * The source as if it had only the chosen streams, in the chosen order.
 *
 * @throws MediaError PARAMS_INVALID for a choice that matches nothing, or leaves no video.
 */
export function chooseStreams(source: Source, { maps, without }: StreamChoice): Source {
  const mapped = maps.length === 0 ? source.streams : applyMaps(source, maps)
  const streams = mapped.filter(({ kind }) => !without.includes(kind))
  if (streams.includes(source.video)) return { ...source, streams }
  const video = streams.find(
    (stream): stream is VideoStream =>
      stream.kind === 'video' && !stream.dispositions.includes('attached_pic'),
  )
  if (video === undefined) {
    throw invalid('-map', 'no video is chosen, so there is nothing to share out; add -map 0:v')
  }
  return { ...source, streams, video }
}

function applyMaps(source: Source, maps: readonly StreamMap[]): readonly SourceStream[] {
  let chosen: readonly SourceStream[] = []
  for (const { written, isNegative, isOptional, specifier } of maps) {
    const matching = source.streams.filter((stream) => matches(specifier, stream, source))
    if (matching.length === 0 && !isOptional) {
      throw new MediaError({
        code: 'PARAMS_INVALID',
        option: written,
        detail: 'the input has no such stream; end it with ? where it may be missing',
      })
    }
    chosen = isNegative
      ? chosen.filter((stream) => !matching.includes(stream))
      : [...chosen, ...matching.filter((stream) => stream.kind !== 'video' || !chosen.includes(stream))]
  }
  return chosen
}

/** Whether FFmpeg's stream specifier means this stream: a number, or a kind, then a number among its kind or a language. */
function matches(specifier: string, stream: SourceStream, source: Source): boolean {
  const [, letter, number, language] = SPECIFIER.exec(specifier) ?? []
  const alike = source.streams.filter((other) => letter === undefined || isOfKind(letter, other))
  if (!alike.includes(stream)) return false
  if (number !== undefined) {
    return (letter === undefined ? stream.index : alike.indexOf(stream)) === Number(number)
  }
  if (language === undefined) return true
  return language === '' ? stream.language !== undefined : stream.language === language
}

const KINDS: ReadonlyMap<string, StreamKind> = new Map([
  ['v', 'video'],
  ['V', 'video'],
  ['a', 'audio'],
  ['s', 'subtitle'],
  ['d', 'data'],
  ['t', 'attachment'],
])

function isOfKind(letter: string, { kind, dispositions }: SourceStream): boolean {
  if (KINDS.get(letter) !== kind) return false
  return letter !== 'V' || !dispositions.includes('attached_pic')
}
