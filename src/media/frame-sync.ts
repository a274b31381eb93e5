/**
 * What `-r` and `-fps_mode` do to a film: ffmpeg repeats and drops frames by rules that differ between its versions, so
 * it is asked once, and each segment is told which frames come how often.
 */
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { MediaError } from './failure.ts'
import { fileAccess, run, type Tool } from './ffmpeg/index.ts'
import type { Film } from './film.ts'
import { alsoInUse, parseFrameLine, parseTimeBaseLine } from './frame-times.ts'
import type { OutputFormat } from './output-format.ts'
import { type EncodeParams, trimArguments } from './params/index.ts'
import { fileUrl, type Source } from './probe.ts'
import { formatRational, type Rational } from './rational.ts'
import { toEncoderPts } from './timing.ts'

/** A film whose frames are those of another, some of them repeated, some left out. */
export interface SyncedFilm extends Film {
  readonly from: Film
  /** For each frame the place of the one it shows in `from.untrimmed`, ascending. */
  readonly places: Int32Array
  /** Whether each frame comes one tick after the one before; otherwise each keeps its own time. */
  readonly isConstant: boolean
}

interface Output {
  readonly params: EncodeParams
  readonly format: OutputFormat
}

interface Options {
  signal?: AbortSignal
  scratchDir: string
}

/** Frames as ffmpeg lists them: when each is shown, and a hash of its picture. */
class Frames {
  timeBase: Rational = { num: 1, den: 1 }
  readonly pts: bigint[] = []
  /** 52 bits of each, which a number holds. */
  readonly hashes: number[] = []

  read(line: string): void {
    this.timeBase = parseTimeBaseLine(line)?.timeBase ?? this.timeBase
    const frame = parseFrameLine(line)
    if (frame === undefined) return
    this.pts.push(frame.pts)
    this.hashes.push(Number.parseInt(frame.checksum.slice(0, 13), 16))
  }
}

/** @throws MediaError PARAMS_INVALID where what ffmpeg does cannot be told from its output. */
export async function readSyncedFilm(
  ffmpeg: Tool,
  source: Source,
  { params, format }: Output,
  film: Film,
  options: Options,
): Promise<SyncedFilm> {
  const [synced, all] = await readBoth(ffmpeg, source, { params, format }, film, options)
  const places = align(synced.hashes, all.hashes)
  if (places === undefined || all.pts.length !== film.untrimmed.length || places.length === 0) {
    throw refusal(params, 'its frames are not found again among those of the film; use -vf fps=RATE')
  }
  const { timeBase } = synced
  const pts = BigInt64Array.from(synced.pts)
  const isConstant = pts.every((time, at) => time === (pts[0] ?? 0n) + BigInt(at))
  const timing = { source: timeBase, encoder: timeBase, zeroMicroseconds: 0n, startMicroseconds: 0n }
  const own = { ...film.timing, encoder: timeBase, startMicroseconds: params.trim.startMicroseconds ?? 0n }
  const from = { ...film, timing: own }
  const keepsTimes = pts.every(
    (time, at) => time === toEncoderPts(film.untrimmed[places[at] ?? 0] ?? 0n, own),
  )
  const repeats = places.some((place, at) => at > 0 && place === places[at - 1])
  if (!isConstant && (!keepsTimes || repeats)) {
    throw refusal(params, 'it moves frames to times that no segment can be given; add -fps_mode cfr')
  }
  return { pts, untrimmed: pts, first: 0, timing, filtered: undefined, from, places, isConstant }
}

function refusal({ sync }: EncodeParams, detail: string): MediaError {
  const option = sync?.setsRate === true ? '-r' : '-fps_mode'
  return new MediaError({ code: 'PARAMS_INVALID', option, detail })
}

/** One pass over the source for both lists: with the user's frame rate, and every frame of its own. */
async function readBoth(
  ffmpeg: Tool,
  source: Source,
  { params, format }: Output,
  film: Film,
  options: Options,
): Promise<[Frames, Frames]> {
  const path = join(options.scratchDir, 'frames.framehash')
  const others = source.streams.filter(({ kind }) => kind !== 'video')
  const { text } = params.filters
  const picture = [
    ...['-map', `0:${source.video.index}`, ...(text === '' ? [] : ['-filter:v', text])],
    ...['-c:v', 'rawvideo'],
  ]
  const ticks = film.filtered ?? film.timing.source
  const synced = new Frames()
  await run(
    ffmpeg,
    [
      ...['-v', 'error', '-nostdin', '-y', '-f', source.format, '-i', fileUrl(source.path)],
      ...[...trimArguments(params.trim), ...(params.sync?.arguments ?? []), ...picture],
      ...listedAs(format),
      ...['-fps_mode:v', 'passthrough', '-enc_time_base:v', formatRational(ticks), ...picture],
      ...['-hash', 'murmur3', '-f', 'framehash', fileUrl(path)],
      ...alsoInUse(others),
    ],
    { signal: options.signal, access: fileAccess([source], [path]), onLine: (line) => synced.read(line) },
  )
  const all = new Frames()
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })
  for await (const line of lines) all.read(line)
  return [synced, all]
}

/**
 * Where ffmpeg itself chooses between a constant and a variable rate, it goes by the muxer: mp4 and mov do not declare that
 * they take a variable one. Nor does tee, which hands on to the list as it comes; framehash does, as do Matroska and MPEG-TS.
 */
function listedAs({ demuxer }: OutputFormat): string[] {
  return demuxer === 'mov'
    ? ['-f', 'tee', '[f=framehash:hash=murmur3]pipe:1']
    : ['-hash', 'murmur3', '-f', 'framehash', 'pipe:1']
}

/** For each picture the earliest place where it can be found, never going back. Equal pictures may stand for each other. */
export function align<Picture>(
  pictures: readonly Picture[],
  all: readonly Picture[],
): Int32Array | undefined {
  const places = new Int32Array(pictures.length)
  let place = 0
  for (const [at, picture] of pictures.entries()) {
    while (place < all.length && all[place] !== picture) place++
    if (place === all.length) return undefined
    places[at] = place
  }
  return places
}

/** How often each frame from the first place to the last is shown, in runs of frames that are shown equally often. */
export function repeatRuns(places: Int32Array): [frames: number, times: number][] {
  const first = places[0] ?? 0
  const counts = new Uint32Array((places.at(-1) ?? first) - first + 1)
  for (const place of places) counts[place - first] = (counts[place - first] ?? 0) + 1
  const runs: [number, number][] = []
  for (const times of counts) {
    const last = runs.at(-1)
    if (last?.[1] === times) last[0]++
    else runs.push([1, times])
  }
  return runs
}
