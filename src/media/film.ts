/**
 * The film that a single run encodes: the source's frames, or what the filters make of them. Where a filter changes the
 * frames or their times, the ffmpeg itself is asked for them, in one pass over the source.
 */

import { lowerBound } from './ascending-times.ts'
import { MediaError } from './failure.ts'
import { fileAccess, run, type Tool } from './ffmpeg/index.ts'
import type { FilterChain } from './filters/index.ts'
import type { FrameIndex } from './frame-index.ts'
import { readFrameTimes } from './frame-times.ts'
import type { Trim } from './params/index.ts'
import { fileUrl, type Source } from './probe.ts'
import {
  formatMicroseconds,
  MICROSECONDS,
  parseRational,
  type Rational,
  rescale,
  toSeconds,
} from './rational.ts'
import { besideZero, chooseEncoderTimeBase, type Timing, toEncoderPts } from './timing.ts'

export interface Film {
  /** One for each frame, ascending, in ticks of `timing.source`. */
  readonly pts: BigInt64Array
  /** The same before the film was trimmed, and where `pts` begins in it. */
  readonly untrimmed: BigInt64Array
  readonly first: number
  /** How these times become the encoder's. */
  readonly timing: Timing
  /** Time base of what leaves the filters; undefined where nobody needs to know. */
  readonly filtered: Rational | undefined
}

interface Options {
  signal?: AbortSignal
}

/** @throws MediaError INPUT_TIMES_REPEAT where two of the source's frames have one time; FILM_TIMES where the filters give no frame, or times that go back; TOOL_EXIT. */
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
    const repeated = index.pts.findIndex((time, at) => time === index.pts[at - 1])
    if (repeated >= 0) {
      const atSeconds = toSeconds((index.pts[repeated] ?? 0n) - (index.pts[0] ?? 0n), index.timeBase)
      throw new MediaError({ code: 'INPUT_TIMES_REPEAT', path: source.path, atSeconds })
    }
    const encoder = chooseEncoderTimeBase(video, index)
    const timing = { source: index.timeBase, encoder, zeroMicroseconds, startMicroseconds: 0n }
    const link =
      chain.history === 0 ? undefined : await readLink(ffmpeg, source, chain, zeroMicroseconds, options)
    return { ...untrimmed(index.pts), timing, filtered: link?.timeBase }
  }
  const { timeBase, frameRate } = await readLink(ffmpeg, source, chain, zeroMicroseconds, options)
  const inputOptions = fromZero(source, zeroMicroseconds)
  const times: bigint[] = []
  const pass = { inputOptions, outputOptions: ['-filter:v', chain.text], timeBase }
  await readFrameTimes(ffmpeg, source, pass, (time) => times.push(time), options)
  const pts = BigInt64Array.from(times)
  if (pts.length === 0) throw new MediaError({ code: 'FILM_TIMES', detail: 'give no frame at all' })
  if (pts.some((time, at) => at > 0 && time <= (pts[at - 1] ?? 0n))) {
    throw new MediaError({ code: 'FILM_TIMES', detail: 'give two frames one time, or times that go back' })
  }
  const rates = { timeBase, realFrameRate: frameRate, averageFrameRate: frameRate }
  const encoder = chooseEncoderTimeBase(rates, { pts })
  // What leaves the filters counts from the film's zero point already.
  return {
    ...untrimmed(pts),
    timing: { source: timeBase, encoder, zeroMicroseconds: 0n, startMicroseconds: 0n },
    filtered: timeBase,
  }
}

function untrimmed(pts: BigInt64Array): Pick<Film, 'pts' | 'untrimmed' | 'first'> {
  return { pts, untrimmed: pts, first: 0 }
}

/**
 * The part of the film between `-ss` and its end, frame by frame as ffmpeg keeps them: its trim filter goes by the ticks of
 * what leaves the filters, counts the length from the first frame that is kept, and the encoder looks at it once more.
 */
export function trimFilm(film: Film, { startMicroseconds, durationMicroseconds }: Trim): Film {
  if (startMicroseconds === undefined && durationMicroseconds === undefined) return film
  const timing: Timing = { ...film.timing, startMicroseconds: startMicroseconds ?? 0n }
  const ticks = film.filtered ?? timing.source
  const zero = rescale(timing.zeroMicroseconds, MICROSECONDS, timing.source)
  const times = film.untrimmed.map((pts) => rescale(pts - zero, timing.source, ticks))
  const start = startMicroseconds === undefined ? undefined : rescale(startMicroseconds, MICROSECONDS, ticks)
  const first = start === undefined ? 0 : lowerBound(times, start)
  let end = times.length
  if (durationMicroseconds !== undefined) {
    const length = rescale(durationMicroseconds, MICROSECONDS, ticks)
    end = lowerBound(times, (times[first] ?? 0n) + length)
    while (end > first && !isWithin(film.untrimmed[end - 1] ?? 0n, durationMicroseconds, timing)) end--
  }
  return { ...film, timing, pts: film.untrimmed.subarray(first, end), first }
}

function isWithin(pts: bigint, durationMicroseconds: bigint, timing: Timing): boolean {
  const { num, den } = timing.encoder
  return toEncoderPts(pts, timing) * BigInt(num) * 1_000_000n < durationMicroseconds * BigInt(den)
}

/** The source as a segment's encoder reads it: its times less the zero point. */
function fromZero({ video }: Source, zeroMicroseconds: bigint): string[] {
  return ['-copyts', '-itsoffset', formatMicroseconds(-besideZero(zeroMicroseconds, video.timeBase))]
}

/** What the filters say of their output before the first frame: `showinfo` prints it. */
async function readLink(
  ffmpeg: Tool,
  source: Source,
  chain: FilterChain,
  zeroMicroseconds: bigint,
  options: Options,
): Promise<{ timeBase: Rational; frameRate: Rational | undefined }> {
  let match: RegExpExecArray | null = null
  await run(
    ffmpeg,
    [
      ...['-v', 'info', '-hide_banner', '-nostats', '-nostdin', ...fromZero(source, zeroMicroseconds)],
      ...['-f', source.format, '-i', fileUrl(source.path), '-map', `0:${source.video.index}`],
      ...['-filter:v', `${chain.text},showinfo=checksum=0`, '-frames:v', '1', '-f', 'null', '-'],
    ],
    {
      ...options,
      access: fileAccess([source]),
      // The first frame can come with a thousand more, a line for each: what is wanted stands before them all.
      onErrorLine(line) {
        match ??= /config in time_base: (\S+), frame_rate: (\S+)/.exec(line)
      },
    },
  )
  const timeBase = parseRational(match?.[1] ?? '')
  if (timeBase === undefined) throw new MediaError({ code: 'FILM_TIMES', detail: 'give no frame at all' })
  return { timeBase, frameRate: parseRational(match?.[2] ?? '') }
}
