/**
 * What becomes of each stream of the source in the output: the video encoded, the rest copied where the container can
 * hold it, converted where it can be, otherwise named as lost. The container's muxer itself is asked.
 */
import { join } from 'node:path'
import { MediaError } from './failure.ts'
import { run, type Tool } from './ffmpeg/index.ts'
import type { OutputFormat } from './output-format.ts'
import { type EncodeParams, keepsMetadata } from './params/index.ts'
import { fileUrl, type Source, type SourceStream } from './probe.ts'

export interface PlannedStream {
  readonly source: SourceStream
  /** `segments`: the encoded video; `copy`; `encode`: by the user's options, or the container's default without any. */
  readonly action: 'segments' | 'copy' | 'encode'
  /** The codec to name for `encode`; undefined leaves it to the user's options and ffmpeg's default. */
  readonly codec: string | undefined
}

export interface StreamPlan {
  /** In the source's order. */
  readonly streams: readonly PlannedStream[]
  /** One sentence for each stream that is lost or changed, for the person to read. */
  readonly warnings: readonly string[]
}

interface Options {
  signal?: AbortSignal
  /** A directory for the muxer's trial files, which are removed by whoever made it. */
  scratchDir: string
}

export async function planStreams(
  ffmpeg: Tool,
  source: Source,
  params: EncodeParams,
  format: OutputFormat,
  options: Options,
): Promise<StreamPlan> {
  const warnings = [...lostVideos(source, format), ...lostChapters(source, format)]
  const wishes = source.streams.flatMap((_, at) => wish(at, source, params, format))
  const kept = wishes.filter((planned) => planned.action !== 'segments')
  if (await canHold(ffmpeg, source, format, kept, params, options)) {
    return { streams: wishes, warnings }
  }
  const streams: PlannedStream[] = []
  for (const planned of wishes) {
    if (planned.action === 'segments') {
      streams.push(planned)
      continue
    }
    const fit = await firstThatFits(ffmpeg, source, format, planned, params, options)
    if (fit === undefined && keepsTimecode(planned.source, format)) continue
    if (fit === undefined && planned.action === 'encode') {
      throw await whyRefused(ffmpeg, source, format, planned, params, options)
    }
    if (fit === undefined) {
      warnings.push(`${describe(planned.source)} is left out: ${format.name} cannot hold it`)
      continue
    }
    if (fit !== planned) {
      warnings.push(
        `${describe(planned.source)} is converted${fit.codec === undefined ? '' : ` to ${fit.codec}`}: ${format.name} cannot hold it as it is`,
      )
    }
    streams.push(fit)
  }
  return { streams, warnings }
}

/** @param at place among the streams: a stream may be chosen twice, with other options each time */
function wish(at: number, source: Source, params: EncodeParams, format: OutputFormat): PlannedStream[] {
  const stream = source.streams[at]
  if (stream === undefined) return []
  const place = source.streams.slice(0, at).filter(({ kind }) => kind === stream.kind).length
  if (stream.index === source.video.index) return [{ source: stream, action: 'segments', codec: undefined }]
  const copy: PlannedStream = { source: stream, action: 'copy', codec: undefined }
  const encode: PlannedStream = { source: stream, action: 'encode', codec: undefined }
  switch (stream.kind) {
    case 'video':
      return isCover(stream) && holdsCovers(format) ? [copy] : []
    case 'audio': {
      return [isEncoded(params.audio, 'a', place) ? encode : copy]
    }
    case 'subtitle': {
      return [isEncoded(params.subtitle, 's', place) ? encode : copy]
    }
    case 'data':
      return [copy]
    case 'attachment':
      return [copy]
  }
}

/** Whether the user's options say anything about the n-th stream of a type but that it is to be copied. */
function isEncoded(options: readonly string[], type: 'a' | 's', place: number): boolean {
  const named = options.flatMap((word, at) =>
    isOption(word) && concerns(word, type, place)
      ? [{ name: word.split(':')[0], value: options[at + 1] }]
      : [],
  )
  const codec = named.findLast(({ name }) => /^-(c|codec|[as]codec)$/.test(name ?? ''))
  return named.length > 0 && codec?.value !== 'copy'
}

function isOption(word: string): boolean {
  return /^-[a-zA-Z]/.test(word)
}

function concerns(option: string, type: 'a' | 's', place: number): boolean {
  const [, specifiedType, specifiedPlace] = option.split(':')
  // `-ac 2`, `-acodec aac`: the option itself says which type
  if (specifiedType === undefined) return true
  return specifiedType === type && (specifiedPlace === undefined || Number(specifiedPlace) === place)
}

async function firstThatFits(
  ffmpeg: Tool,
  source: Source,
  format: OutputFormat,
  planned: PlannedStream,
  params: EncodeParams,
  options: Options,
): Promise<PlannedStream | undefined> {
  const alternatives: PlannedStream[] = [planned]
  if (planned.action === 'copy' && planned.source.kind === 'audio') {
    alternatives.push({ ...planned, action: 'encode' })
  }
  if (planned.action === 'copy' && planned.source.kind === 'subtitle' && format.textSubtitles !== undefined) {
    alternatives.push({ ...planned, action: 'encode', codec: format.textSubtitles })
  }
  for (const alternative of alternatives) {
    if (await canHold(ffmpeg, source, format, [alternative], params, options)) return alternative
  }
  return undefined
}

/** What the user asks for is not silently left out: is it the encoder that refuses it, or the container? */
async function whyRefused(
  ffmpeg: Tool,
  source: Source,
  format: OutputFormat,
  planned: PlannedStream,
  params: EncodeParams,
  options: Options,
): Promise<MediaError> {
  const byEncoder = await tryStreams(ffmpeg, source, 'null', [planned], params, options)
  const byContainer =
    byEncoder ?? (await tryStreams(ffmpeg, source, format.muxer, [planned], params, options))
  const detail = `${describe(planned.source)}: ${wordsOf(byContainer)}`
  if (byEncoder !== undefined) {
    return new MediaError({ code: 'PARAMS_REJECTED', detail }, { cause: byEncoder })
  }
  const codec = codecOf(planned.source.kind === 'audio' ? params.audio : params.subtitle)
  return new MediaError(
    { code: 'OUTPUT_REJECTED', container: format.name, encoder: codec ?? planned.source.kind, detail },
    { cause: byContainer },
  )
}

function codecOf(options: readonly string[]): string | undefined {
  const at = options.findLastIndex((word) => /^-(c|codec|[as]codec)(:|$)/.test(word))
  return at < 0 ? undefined : options[at + 1]
}

function wordsOf(error: MediaError | undefined): string {
  return error?.failure.code === 'TOOL_EXIT' ? error.failure.detail : String(error?.message)
}

async function canHold(
  ffmpeg: Tool,
  source: Source,
  format: OutputFormat,
  streams: readonly PlannedStream[],
  params: EncodeParams,
  options: Options,
): Promise<boolean> {
  if (streams.length === 0) return true
  if (
    streams.some((planned) => planned.action === 'copy' && format.holds?.has(planned.source.codec) === false)
  ) {
    return false
  }
  return (await tryStreams(ffmpeg, source, format.muxer, streams, params, options)) === undefined
}

/** Lets the muxer write a header for these streams and nothing more. @returns what ffmpeg has against it */
async function tryStreams(
  ffmpeg: Tool,
  source: Source,
  muxer: string,
  streams: readonly PlannedStream[],
  params: EncodeParams,
  options: Options,
): Promise<MediaError | undefined> {
  try {
    await run(
      ffmpeg,
      [
        ...['-v', 'error', '-nostdin', '-y', '-f', source.format, '-i', fileUrl(source.path)],
        ...streams.flatMap(({ source: { index } }) => ['-map', `0:${index}`]),
        ...codecArguments(streams, params),
        // Attachments need a tag of theirs.
        ...(keepsMetadata(params) ? [] : ['-map_metadata', '-1']),
        ...['-t', '0', '-f', muxer, muxer === 'null' ? '-' : fileUrl(join(options.scratchDir, 'trial'))],
      ],
      options.signal === undefined ? {} : { signal: options.signal },
    )
    return undefined
  } catch (error) {
    if (error instanceof MediaError) return error
    throw error
  }
}

/** The user's options for audio and subtitles, then a codec for each stream that they leave open. */
export function codecArguments(streams: readonly PlannedStream[], params: EncodeParams): string[] {
  const own = streams.flatMap(({ action, codec }, place) => {
    if (action === 'encode') return codec === undefined ? [] : [`-c:${place}`, codec]
    return [`-c:${place}`, 'copy']
  })
  const users = [...params.audio, ...params.subtitle]
  return [...users, ...own]
}

function lostVideos(source: Source, format: OutputFormat): string[] {
  return source.streams.flatMap((stream) => {
    if (stream.kind !== 'video' || stream.index === source.video.index) return []
    if (!isCover(stream)) return [`${describe(stream)} is left out: only the first video is encoded`]
    return holdsCovers(format) ? [] : [`${describe(stream)} is left out: ${format.name} cannot hold a cover`]
  })
}

/** The video's own tag has it too: muxers of mp4 and mov make a track of that, Matroska keeps the tag. */
function keepsTimecode({ codec }: SourceStream, { demuxer }: OutputFormat): boolean {
  return codec === 'tmcd' && demuxer !== 'mpegts'
}

function lostChapters({ chapters }: Source, { muxer, name }: OutputFormat): string[] {
  return chapters > 0 && muxer === 'mpegts' ? [`the chapters are left out: ${name} cannot hold them`] : []
}

function isCover({ dispositions }: SourceStream): boolean {
  return dispositions.includes('attached_pic')
}

/** FFmpeg's mov muxer takes a cover and does not write it, that of MPEG-TS writes it as data. */
function holdsCovers({ muxer }: OutputFormat): boolean {
  return muxer !== 'mov' && muxer !== 'mpegts'
}

function describe({ kind, index, codec, language }: SourceStream): string {
  return `${kind} stream ${index} (${[codec, language].filter((word) => word !== undefined).join(', ')})`
}
