/** How ffmpeg is led to the film's first frame, so that it encodes it as a single run does. */
import { MediaError } from './failure.ts'
import { fileAccess, run, type Tool } from './ffmpeg/index.ts'
import { type EncodeParams, encoderArguments, syncArguments } from './params/index.ts'
import { lookReader, type PictureLook, SHOW_LOOK } from './picture-looks.ts'
import { fileUrl, type Source } from './probe.ts'
import { formatMicroseconds, type Rational } from './rational.ts'
import { filterChain, inputArguments } from './segment/arguments.ts'
import type { SegmentInput, SegmentSource } from './segment/task.ts'

/** The film's first frames, and what is made of them. */
export interface Opening {
  readonly source: Source
  readonly params: EncodeParams
  readonly encoderTimeBase: Rational
  readonly start: FilmStart
}

export interface FilmStart {
  /** The input, and what stands in front of it. */
  readonly input: readonly string[]
  /** The user's chain, with the cut to the film's first frame around it; may be empty. */
  readonly filters: string
  /** What stands in front of the encoder's options. */
  readonly output: readonly string[]
}

/** At the source's first frame. */
export function startWithSource(source: Source, { filters }: Pick<EncodeParams, 'filters'>): FilmStart {
  return { input: ['-f', source.format, '-i', fileUrl(source.path)], filters: filters.text, output: [] }
}

/** At the film's first frame as a single run comes there: all that `-ss` leaves out is decoded and filtered. */
export function startDecoded(source: Source, params: Pick<EncodeParams, 'filters' | 'trim'>): FilmStart {
  const { startMicroseconds: start } = params.trim
  const output = start === undefined ? [] : ['-ss', formatMicroseconds(start)]
  return { ...startWithSource(source, params), output }
}

/** At a frame of the film, from a keyframe before it: what is before is not decoded. */
export function startAtSegment(
  source: Source,
  { filters }: Pick<EncodeParams, 'filters'>,
  segment: SegmentInput & SegmentSource & { readonly startMicroseconds: bigint },
): FilmStart {
  return {
    input: inputArguments(segment, segment.seekPts[0], { inputUrl: fileUrl(source.path) }),
    filters: filterChain({ ...segment, endPts: undefined, filters: filters.text }),
    output: segment.startMicroseconds === 0n ? [] : ['-ss', formatMicroseconds(segment.startMicroseconds)],
  }
}

/** @param frames how many of them to encode */
export function openingArguments(opening: Opening, frames: number): string[] {
  return ['-v', 'error', '-nostdin', '-y', ...opening.start.input, ...openingOutput(opening, frames)]
}

/** The same without the input: one of several outputs. */
export function openingOutput({ source, params, encoderTimeBase, start }: Opening, frames: number): string[] {
  return [
    ...['-map', `0:${source.video.index}`, '-frames:v', `${frames}`, ...start.output],
    ...encoderArguments(params),
    ...(start.filters === '' ? [] : ['-filter:v', start.filters]),
    ...syncArguments(params, encoderTimeBase),
  ]
}

/** How the film's first frame is to be shown, as it leaves the filters. @throws MediaError TOOL_EXIT; FILM_TIMES where there is no frame */
export async function readFirstLook(
  ffmpeg: Tool,
  { source, start }: Pick<Opening, 'source' | 'start'>,
  options: { signal?: AbortSignal } = {},
): Promise<PictureLook> {
  let first: PictureLook | undefined
  await run(
    ffmpeg,
    [
      ...['-v', 'info', '-hide_banner', '-nostats', '-nostdin', ...start.input],
      ...['-map', `0:${source.video.index}`, '-frames:v', '1', ...start.output],
      ...['-filter:v', [start.filters, SHOW_LOOK].filter((part) => part !== '').join(',')],
      ...['-f', 'null', '-'],
    ],
    { ...options, access: fileAccess([source]), onErrorLine: lookReader((look) => (first ??= look)) },
  )
  if (first !== undefined) return first
  throw new MediaError({ code: 'FILM_TIMES', detail: 'give no frame at all' })
}
