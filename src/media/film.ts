/**
 * The film that a single run encodes: the source's frames, or what the filters make of them. Where a filter changes the
 * frames or their times, the ffmpeg itself is asked for them, in one pass over the source.
 */
import { MediaError } from './failure.ts'
import { run, type Tool } from './ffmpeg/index.ts'
import type { FilterChain } from './filters/index.ts'
import type { FrameIndex } from './frame-index.ts'
import { fileUrl, type Source } from './probe.ts'
import { formatMicroseconds, formatRational, parseRational, type Rational } from './rational.ts'
import { besideZero, chooseEncoderTimeBase, type Timing } from './timing.ts'

export interface Film {
  /** One for each frame, ascending, in ticks of `timing.source`. */
  readonly pts: BigInt64Array
  /** How these times become the encoder's. */
  readonly timing: Timing
  /** Time base of what leaves the filters; undefined where nobody needs to know. */
  readonly filtered: Rational | undefined
}

interface Options {
  signal?: AbortSignal
}

/** @throws MediaError FILM_TIMES where the filters give no frame, or times that go back; TOOL_EXIT. */
export async function readFilm(
  ffmpeg: Tool,
  source: Source,
  index: FrameIndex,
  chain: FilterChain,
  zeroMicroseconds: bigint,
  options: Options = {},
): Promise<Film> {
  const { video } = source
  if (chain.times === 'kept') {
    const encoder = chooseEncoderTimeBase(video, index)
    const timing = { source: index.timeBase, encoder, zeroMicroseconds }
    const link =
      chain.history === 0 ? undefined : await readLink(ffmpeg, source, chain, zeroMicroseconds, options)
    return { pts: index.pts, timing, filtered: link?.timeBase }
  }
  const { timeBase, frameRate } = await readLink(ffmpeg, source, chain, zeroMicroseconds, options)
  const pts = await readFilteredTimes(ffmpeg, source, chain, { zeroMicroseconds, timeBase }, options)
  if (pts.length === 0) throw new MediaError({ code: 'FILM_TIMES', detail: 'give no frame at all' })
  if (pts.some((time, at) => at > 0 && time <= (pts[at - 1] ?? 0n))) {
    throw new MediaError({ code: 'FILM_TIMES', detail: 'give two frames one time, or times that go back' })
  }
  const rates = { timeBase, realFrameRate: frameRate, averageFrameRate: frameRate }
  const encoder = chooseEncoderTimeBase(rates, { pts })
  // What leaves the filters counts from the film's zero point already.
  return { pts, timing: { source: timeBase, encoder, zeroMicroseconds: 0n }, filtered: timeBase }
}

/** The source as a segment's encoder reads it: its times less the zero point. */
function input(source: Source, zeroMicroseconds: bigint): string[] {
  return [
    ...['-copyts', '-itsoffset', formatMicroseconds(-besideZero(zeroMicroseconds, source.video.timeBase))],
    ...['-f', source.format, '-i', fileUrl(source.path), '-map', `0:${source.video.index}`],
  ]
}

/** What the filters say of their output before the first frame: `showinfo` prints it. */
async function readLink(
  ffmpeg: Tool,
  source: Source,
  chain: FilterChain,
  zeroMicroseconds: bigint,
  options: Options,
): Promise<{ timeBase: Rational; frameRate: Rational | undefined }> {
  const { stderrTail } = await run(
    ffmpeg,
    [
      ...['-v', 'info', '-hide_banner', '-nostats', '-nostdin', ...input(source, zeroMicroseconds)],
      ...['-filter:v', `${chain.text},showinfo=checksum=0`, '-frames:v', '1', '-f', 'null', '-'],
    ],
    options,
  )
  const match = /config in time_base: (\S+), frame_rate: (\S+)/.exec(stderrTail)
  const timeBase = parseRational(match?.[1] ?? '')
  if (timeBase === undefined) throw new MediaError({ code: 'FILM_TIMES', detail: 'give no frame at all' })
  return { timeBase, frameRate: parseRational(match?.[2] ?? '') }
}

async function readFilteredTimes(
  ffmpeg: Tool,
  source: Source,
  chain: FilterChain,
  { zeroMicroseconds, timeBase }: { zeroMicroseconds: bigint; timeBase: Rational },
  options: Options,
): Promise<BigInt64Array> {
  const pts: bigint[] = []
  await run(
    ffmpeg,
    [
      ...['-v', 'error', '-nostdin', ...input(source, zeroMicroseconds)],
      ...['-filter:v', chain.text, '-c:v', 'wrapped_avframe', '-fps_mode:v', 'passthrough'],
      ...['-enc_time_base:v', formatRational(timeBase), '-f', 'framecrc', 'pipe:1'],
    ],
    {
      ...options,
      onLine(line) {
        const field = line.startsWith('#') ? undefined : line.split(',')[2]
        if (field !== undefined) pts.push(BigInt(field.trim()))
      },
    },
  )
  return BigInt64Array.from(pts)
}
