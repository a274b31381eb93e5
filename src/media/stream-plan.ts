/**
 * What becomes of each stream of the source in the output: the video encoded, the rest copied where the container can
 * hold it, converted where it can be, otherwise named as lost. The container's muxer itself is asked.
 */
import { join } from 'node:path'
import { MediaError, mediaErrorOf } from './failure.ts'
import { fileAccess, run, type Tool } from './ffmpeg/index.ts'
import { type OutputFormat, unknownTo } from './output-format.ts'
import { type EncodeParams, keepsChapters, keepsMetadata } from './params/index.ts'
import { fileUrl, type Source, type SourceStream } from './probe.ts'
import { isFragmented, trackStarts } from './track-starts.ts'

export interface PlannedStream {
  readonly source: SourceStream
  /** `segments`: the encoded video; `copy`; `encode`: by the user's options, or the container's default without any. */
  readonly action: 'segments' | 'copy' | 'encode'
  /** The codec to name for `encode`; undefined leaves it to the user's options and ffmpeg's default. */
  readonly codec: string | undefined
}

export interface StreamPlan {
  /** In the output's order: the source's, or that of `-map`. */
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
  const warnings = [
    ...lostVideos(source, params, format),
    ...lostChapters(source, params, format),
    ...lostStarts(source, params, format),
  ]
  const wishes = source.streams.flatMap((_, at) => wish(at, source, params, format))
  refuseUntimedPictures(wishes, format)
  const refusalOf = trial(ffmpeg, source, params, format, options)
  const others = wishes.filter(({ action }) => action !== 'segments')
  if ((await refusalOf(others)) === undefined) return { streams: endedTexts(wishes), warnings }
  const streams: PlannedStream[] = []
  for (const planned of wishes) {
    const refusal = planned.action === 'segments' ? undefined : await refusalOf([planned])
    if (refusal === undefined) {
      streams.push(planned)
      continue
    }
    const anywhere = await refusalOf([planned], 'null')
    // A stream that no container takes is refused for the params' sake, such as filters for one that is copied.
    if (planned.action === 'encode' || anywhere !== undefined) {
      throw whyRefused(planned, params, format, refusal, anywhere)
    }
    const converted = conversion(planned, format)
    if (converted !== undefined && (await refusalOf([converted])) === undefined) {
      const codec = converted.codec === undefined ? '' : ` to ${converted.codec}`
      warnings.push(
        `${describe(planned.source)} is converted${codec}: ${format.name} cannot hold it as it is`,
      )
      streams.push(converted)
    } else if (!keepsTimecode(planned.source, format)) {
      warnings.push(`${describe(planned.source)} is left out: ${format.name} cannot hold it`)
    }
  }
  return { streams: endedTexts(streams), warnings }

  function endedTexts(planned: PlannedStream[]): PlannedStream[] {
    if (isFragmented(format, params)) refuseTexts(planned, format)
    return planned
  }
}

/**
 * FFmpeg's muxer takes the beginning of the next text for the end of one that stands at the end of a fragment, if that text
 * has come to it already: it depends on chance how long texts are shown.
 */
function refuseTexts(planned: readonly PlannedStream[], format: OutputFormat): void {
  const text = planned.find(
    ({ source, action }) =>
      source.kind === 'subtitle' && (action === 'encode' || source.codec === format.textSubtitles),
  )
  if (text === undefined) return
  const detail = `ffmpeg loses where texts end in fragmented ${format.name} (${describe(text.source)}): leave the fragments out, or the subtitles (-sn), or name an output in .mkv`
  throw new MediaError({ code: 'PARAMS_INVALID', option: '-movflags', detail })
}

/** Subtitles of Blu-ray do not say how long they are shown, and FFmpeg's muxers of mp4 and mov stop at the first one. */
function refuseUntimedPictures(wishes: readonly PlannedStream[], format: OutputFormat): void {
  const untimed = wishes.find(
    ({ source, action }) => source.codec === 'hdmv_pgs_subtitle' && action === 'encode',
  )
  if (untimed === undefined || format.demuxer !== 'mov') return
  const detail = `ffmpeg cannot write ${describe(untimed.source)} into ${format.name}: leave it out with -sn, or name an output in .mkv, which holds it as it is`
  throw new MediaError({ code: 'PARAMS_INVALID', option: '-c:s', detail })
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
      return isCover(stream) && holdsCovers(format, params) ? [copy] : []
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

/** What may become of a stream that the container does not take as it is. */
function conversion(planned: PlannedStream, { textSubtitles }: OutputFormat): PlannedStream | undefined {
  const { kind } = planned.source
  if (kind === 'audio') return { ...planned, action: 'encode' }
  if (kind !== 'subtitle' || textSubtitles === undefined) return undefined
  return { ...planned, action: 'encode', codec: textSubtitles }
}

/** What the user asks for is not silently left out: is it the encoder that refuses it, or the container? */
function whyRefused(
  { source }: PlannedStream,
  params: EncodeParams,
  format: OutputFormat,
  byContainer: MediaError,
  byEncoder: MediaError | undefined,
): MediaError {
  const cause = byEncoder ?? byContainer
  const detail = `${describe(source)}: ${cause.words}`
  const encoder = codecOf(source.kind === 'audio' ? params.audio : params.subtitle)
  if (byEncoder !== undefined || encoder === undefined) {
    return new MediaError({ code: 'PARAMS_REJECTED', detail }, { cause })
  }
  return new MediaError({ code: 'OUTPUT_REJECTED', container: format.name, encoder, detail }, { cause })
}

function codecOf(options: readonly string[]): string | undefined {
  const at = options.findLastIndex((word) => /^-(c|codec|[as]codec)(:|$)/.test(word))
  return at < 0 ? undefined : options[at + 1]
}

/** Lets a muxer, without a name the output's, write a header for some streams. @returns what there is against it */
function trial(
  ffmpeg: Tool,
  source: Source,
  params: EncodeParams,
  format: OutputFormat,
  options: Options,
): (streams: readonly PlannedStream[], muxer?: string) => Promise<MediaError | undefined> {
  return async (streams, muxer = format.muxer) => {
    if (streams.length === 0) return undefined
    const unknown = streams.find(
      ({ action, source: { kind, codec } }) =>
        muxer === format.muxer &&
        // FFmpeg's WebM muxer takes attachments and writes none.
        ((kind === 'attachment' && muxer === 'webm') ||
          (action === 'copy' && format.holds?.has(codec) === false)),
    )
    if (unknown !== undefined) return unknownTo(format, unknown.source.codec)
    const path = join(options.scratchDir, 'trial')
    const writing = run(
      ffmpeg,
      [
        ...['-v', 'error', '-nostdin', '-y', '-f', source.format, '-i', fileUrl(source.path)],
        ...streams.flatMap(({ source: { index } }) => ['-map', `0:${index}`]),
        ...codecArguments(streams, params),
        ...strictness(params),
        // Attachments need a tag of theirs.
        ...(keepsMetadata(params) ? [] : ['-map_metadata', '-1']),
        ...['-t', '0', '-f', muxer, muxer === 'null' ? '-' : fileUrl(path)],
      ],
      { signal: options.signal, access: fileAccess([source], muxer === 'null' ? [] : [path]) },
    )
    return await mediaErrorOf(writing)
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

/** An option of encoders and muxers alike: without a stream specifier it is for the file and its audio too. */
export function strictness({ video }: EncodeParams): string[] {
  const at = video.lastIndexOf('-strict')
  return at < 0 ? [] : video.slice(at, at + 2)
}

function lostVideos(source: Source, params: EncodeParams, format: OutputFormat): string[] {
  return source.streams.flatMap((stream, at) => {
    if (stream.kind !== 'video') return []
    if (stream.index === source.video.index) {
      const isAgain = source.streams.findIndex(({ index }) => index === stream.index) < at
      return isAgain ? [`${describe(stream)} is left out the second time: the film is encoded once`] : []
    }
    if (!isCover(stream)) return [`${describe(stream)} is left out: only the first video is encoded`]
    if (!holdsCovers(format, params)) {
      const kind = isFragmented(format, params) ? `fragmented ${format.name}` : format.name
      return [`${describe(stream)} is left out: ${kind} cannot hold a cover`]
    }
    const isCut = (params.trim.startMicroseconds ?? 0n) > 0n
    return isCut ? [`${describe(stream)} is left out: with -ss ffmpeg keeps no cover`] : []
  })
}

/** The video's own tag has it too: muxers of mp4 and mov make a track of that, Matroska keeps the tag. */
function keepsTimecode({ codec }: SourceStream, { demuxer }: OutputFormat): boolean {
  return codec === 'tmcd' && demuxer !== 'mpegts'
}

function lostChapters({ chapters }: Source, params: EncodeParams, { muxer, name }: OutputFormat): string[] {
  const areLost = chapters > 0 && keepsChapters(params) && muxer === 'mpegts'
  return areLost ? [`the chapters are left out: ${name} cannot hold them`] : []
}

function lostStarts({ streams }: Source, params: EncodeParams, format: OutputFormat): string[] {
  const hasAudio = streams.some(({ kind }) => kind === 'audio')
  return hasAudio && trackStarts(format, params) === 'apart'
    ? [
        `sound and picture may lie apart: with these -movflags ffmpeg lets each track of ${format.name} begin at zero`,
      ]
    : []
}

function isCover({ dispositions }: SourceStream): boolean {
  return dispositions.includes('attached_pic')
}

/** FFmpeg's mov muxer takes a cover and does not write it, that of MPEG-TS writes it as data, that of fragmented mp4 as one more film. */
function holdsCovers(format: OutputFormat, params: EncodeParams): boolean {
  return format.muxer !== 'mov' && format.muxer !== 'mpegts' && !isFragmented(format, params)
}

function describe({ kind, index, codec, language }: SourceStream): string {
  return `${kind} stream ${index} (${[codec, language].filter((word) => word !== undefined).join(', ')})`
}
