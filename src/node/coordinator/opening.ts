/** The film's first frame as a single run encodes it, and how all others are to be shown like it. */
import {
  differencesInTags,
  encodeFirstFrames,
  type FilmStart,
  followsAspectRatio,
  followsColours,
  inspectSegment,
  type KeyframeLook,
  keepsHdr,
  type LocatedTools,
  lowerBound,
  MediaError,
  MICROSECONDS,
  type Opening,
  type PictureLook,
  readFirstLook,
  readLibavcodec,
  readLooks,
  rescale,
  segmentSource,
  startAtSegment,
  startDecoded,
  startWithSource,
} from '../../media/index.ts'
import type { Job } from './job.ts'
import type { Task } from './plan.ts'
import { segmentInput } from './starts.ts'

type Known = Pick<
  Job,
  'source' | 'index' | 'film' | 'synced' | 'params' | 'format' | 'zeroMicroseconds' | 'x264Build'
>

interface Options {
  signal: AbortSignal
}

/**
 * Behind `-ss` the first frame is sought out, since decoding all before it could take minutes. That is done after all where the
 * source's first frame has another size, pixel format or sample aspect ratio: FFmpeg has set up its filters for that, and FFmpeg 5
 * gives the ratio to its encoders whatever is cut away.
 */
export async function findStart(
  { ffmpeg }: LocatedTools,
  known: Known,
  options: Options,
): Promise<FilmStart> {
  const { source, params, format } = known
  const ofSource = startWithSource(source, params)
  if (params.trim.startMicroseconds === undefined) return ofSource
  const sought = startAt(known, 0)
  try {
    const [first, kept] = await Promise.all([
      readFirstLook(ffmpeg, { source, start: ofSource }, options),
      readFirstLook(ffmpeg, { source, start: sought }, options),
    ])
    if (shapeOf(first) === shapeOf(kept)) return sought
    const libavcodec = await readLibavcodec(ffmpeg, options)
    const differs = first.sampleAspectRatio !== kept.sampleAspectRatio
    if (differs && followsAspectRatio(params.encoder, format, libavcodec)) {
      throw lookChanges(source, ratioWords(params.encoder, kept.sampleAspectRatio))
    }
    return startDecoded(source, params)
  } catch (error) {
    if (error instanceof MediaError && error.code === 'INPUT_LOOK_CHANGES') throw error
    // What is wrong with the params is told by those who encode it.
    if (error instanceof MediaError) return sought
    throw error
  }
}

/** The job's first frame, and what is made of it. */
export function openingOf({
  source,
  params,
  film,
  start,
}: Pick<Job, 'source' | 'params' | 'film' | 'start'>): Opening {
  return { source, params, encoderTimeBase: film.timing.encoder, start }
}

/** @param place of a frame in the film */
export function startAt(known: Known, place: number): FilmStart {
  const { source, index, film, synced, params, zeroMicroseconds } = known
  const inner = synced === undefined ? film : { ...synced.from, first: 0 }
  const from = synced === undefined ? place : (synced.places[place] ?? 0)
  const end = inner.untrimmed.length - inner.first
  const plan = { index, film: inner, chain: params.filters, zeroMicroseconds }
  const { startMicroseconds } = inner.timing
  return startAtSegment(source, params, {
    ...segmentInput(known),
    ...segmentSource(plan, from, end),
    startMicroseconds,
  })
}

/**
 * Looks for places from where on the source's pictures are of another kind or to be shown otherwise, and whether segments there would
 * differ. It takes seconds to minutes, and is nearly never so: work does not wait for it.
 *
 * @returns what was seen
 * @throws LookInDoubt
 */
export async function checkLook(
  tools: LocatedTools,
  job: Job,
  options: Options & { scratchDir: string },
): Promise<Job['looks']> {
  const { film, synced, params, container } = job
  if (job.alike !== '') return job.looks
  const looks = await looksOf(tools, job, options)
  const [first, ...changes] = looks
  if (first === undefined) return looks
  await refuseSticking(tools, job, first, options)
  await refuseOtherHdr(tools, job, looks, options)
  const otherwise = changes.find((look) => kindOf(look) !== kindOf(first))
  if (otherwise !== undefined) throw new LookInDoubt(`${kindOf(first)} becomes ${kindOf(otherwise)}`, looks)
  // Elsewhere places in the film are not places in the source: segments tell when they are there.
  if (changes[0] === undefined || synced !== undefined || params.filters.times !== 'kept') return looks
  const place = lowerBound(film.pts, changes[0].pts)
  if (place === film.pts.length) return looks
  const there = { ...openingOf(job), start: startAt(job, place) }
  const path = await encodeFirstFrames(tools.ffmpeg, there, container, {
    ...options,
    name: 'look',
    frames: 1,
  })
  const { description } = await inspectSegment(tools.ffprobe, path, container, options)
  const differences = differencesInTags(params.encoder, description, job.description)
  if (differences.length > 0) throw new LookInDoubt(differences.join(', '), looks)
  return looks
}

/**
 * Whether a decoder that begins with a task sees the pictures there as one does that has come from the film's start: what they do not
 * say themselves it goes on to take from what was said before.
 */
export async function startsWithLook(
  { ffmpeg }: LocatedTools,
  job: Job,
  { first, seekPts: [seek], startPts }: Pick<Task, 'first' | 'seekPts' | 'startPts'>,
  options: Options,
): Promise<boolean> {
  const { looks = [], index } = job
  if (looks.length <= 1 || !index.seekable || seek === undefined) return true
  const start = startAt(unfiltered(job), first)
  const seen = await readFirstLook(ffmpeg, { source: job.source, start }, options)
  const before = looks.findLast(({ pts }) => pts <= seek)
  const since = looks.filter(({ pts }) => pts > seek && (startPts === undefined || pts <= startPts))
  return [...(before === undefined ? [] : [before]), ...since].some((look) => isAlike(look, seen))
}

/** Of the pictures of the film. */
export async function looksOf(
  { ffmpeg }: LocatedTools,
  { source, index, film, synced, params, zeroMicroseconds }: Job,
  options: Options,
): Promise<KeyframeLook[]> {
  // In the source's time, also where filters have made the film's.
  const { pts, timing } = synced?.from ?? film
  const inSource = (time: bigint) =>
    rescale(time, timing.source, index.timeBase) +
    (timing.zeroMicroseconds === zeroMicroseconds
      ? 0n
      : rescale(zeroMicroseconds, MICROSECONDS, index.timeBase))
  const keeps = keepsHdr(params.encoder, await readLibavcodec(ffmpeg, options))
  return await readLooks(ffmpeg, source, index, {
    ...options,
    readsHdr: keeps && source.video.codec === 'hevc',
    from: inSource(pts[0] ?? 0n),
    end: inSource(pts.at(-1) ?? 0n) + 1n,
  })
}

/**
 * The job whose segments are all brought into the first frame's size and pixel format, and told the colours and the sample aspect ratio that a
 * single run takes from it.
 *
 * @throws MediaError INPUT_LOOK_CHANGES where a single run makes something of the change that no segment can know
 */
export async function shownAlike(tools: LocatedTools, job: Job, options: Options): Promise<Job> {
  const looks = job.looks ?? (await looksOf(tools, job, options))
  const { source, params, description, picture } = job
  await refuseChanges(tools, job, looks, options)
  const [size = '', pixelFormat] = picture.split(' ')
  // What FFmpeg itself puts behind the filters once the first picture has set the encoder's size.
  const scaler = `scale=${size.replace('x', ':')}`
  const inFormat = `format=${pixelFormat}`
  const start = startAt(job, 0)
  const filters = [start.filters, scaler, inFormat].filter((part) => part !== '').join(',')
  const look = await readFirstLook(tools.ffmpeg, { source, start: { ...start, filters } }, options)
  const alike = [
    scaler,
    inFormat,
    ...(followsColours(params.encoder) ? [] : [`setparams=${coloursOf(look)}`]),
    `setsar=${toRatio(description.get('sample_aspect_ratio'))}`,
  ].join(',')
  return { ...job, looks, alike }
}

/** The same for a file that was made by whatever means, where its source's pictures change at all. */
export async function shownAsMade(tools: LocatedTools, job: Job, options: Options): Promise<Job> {
  const seen = { ...job, looks: await looksOf(tools, job, options) }
  if (seen.looks.length <= 1) return seen
  try {
    return await shownAlike(tools, seen, options)
  } catch (error) {
    if (error instanceof MediaError) return seen
    throw error
  }
}

/**
 * What a picture does not say of itself a decoder goes on to take from what was said before. Behind `-ss` that cannot be known
 * without decoding all that it leaves out.
 */
async function refuseSticking(
  { ffmpeg }: LocatedTools,
  job: Job,
  first: PictureLook,
  options: Options,
): Promise<void> {
  const { source, params } = job
  if (params.trim.startMicroseconds === undefined) return
  const seen = await readFirstLook(ffmpeg, { source, start: startAt(unfiltered(job), 0) }, options)
  if (LOOK_ENTRIES.every((name) => seen[name] === first[name])) return
  throw lookChanges(
    source,
    `its pictures do not say how they are to be shown where -ss begins, and earlier ones did: ${REMAKE}`,
  )
}

const LOOK_ENTRIES = ['size', 'pixelFormat', 'range', 'matrix', 'primaries', 'transfer'] as const

async function refuseOtherHdr(
  { ffmpeg }: LocatedTools,
  { source, params: { encoder } }: Job,
  looks: readonly PictureLook[],
  options: Options,
): Promise<void> {
  if (new Set(looks.map(({ hdr }) => hdr)).size <= 1) return
  if (!keepsHdr(encoder, await readLibavcodec(ffmpeg, options))) return
  throw lookChanges(
    source,
    `its mastering display or light level changes, and ${encoder} takes a segment's from its first picture: ${REMAKE}`,
  )
}

const REMAKE = "make one film of it first, with 'ffmpeg -i INPUT -map 0 -c copy -c:v ffv1 NEW.mkv'"

function lookChanges({ path }: Pick<Job['source'], 'path'>, detail: string): MediaError {
  return new MediaError({ code: 'INPUT_LOOK_CHANGES', path, detail })
}

/** The job as its source's pictures are before any filter. */
function unfiltered(job: Job): Job {
  return { ...job, params: { ...job.params, filters: { ...job.params.filters, text: '' } } }
}

async function refuseChanges(
  { ffmpeg }: LocatedTools,
  { source, params, format, description, picture }: Job,
  looks: readonly KeyframeLook[],
  options: Options,
): Promise<void> {
  const libavcodec = await readLibavcodec(ffmpeg, options)
  const { encoder, filters } = params
  const ratios = new Set(looks.map(({ sampleAspectRatio }) => sampleAspectRatio))
  if (ratios.size > 1 && !setsRatio(filters.text) && followsAspectRatio(encoder, format, libavcodec)) {
    const ratio = toRatio(description.get('sample_aspect_ratio'))
    throw lookChanges(source, ratioWords(encoder, ratio))
  }
  const isConverted = looks.some(
    ({ pixelFormat }) => pixelFormat !== picture.replace(/^.* /, '') || convertsColours(filters.text),
  )
  const changesLevels = looks.some((look, at) => {
    const before = looks[at - 1]
    const isSame = before?.pixelFormat === look.pixelFormat && before.size === look.size
    return isSame && levelsOf(before) !== levelsOf(look)
  })
  if (libavcodec < 61 && isConverted && changesLevels) {
    throw lookChanges(
      source,
      `its colours change, and what the filters and conversions of this FFmpeg make of later ones depends on earlier ones: take FFmpeg 7, or ${REMAKE}`,
    )
  }
}

function shapeOf({ sampleAspectRatio, size, pixelFormat }: PictureLook): string {
  return `${sampleAspectRatio} ${size} ${pixelFormat}`
}

/** What conversions go by. */
function levelsOf({ range, matrix }: PictureLook): string {
  return `${range} ${matrix}`
}

function kindOf(look: PictureLook): string {
  return `${look.pixelFormat} ${levelsOf(look)}`
}

/** Whether FFmpeg's filters that were set up for one picture serve for the other. */
export function isAlike(one: PictureLook, other: PictureLook): boolean {
  return one.size === other.size && kindOf(one) === kindOf(other)
}

/** As options of FFmpeg's `setparams`. */
function coloursOf({ range, matrix, primaries, transfer }: PictureLook): string {
  return `range=${range}:colorspace=${matrix}:color_primaries=${primaries}:color_trc=${transfer}`
}

function setsRatio(filters: string): boolean {
  return /(^|,)set[sd]ar\b/.test(filters)
}

function ratioWords(encoder: string, ratio: string): string {
  return `its sample aspect ratio changes, and ${encoder} of this FFmpeg would change with it at a place that no segment can know: say which one it is to have, with -vf setsar=${ratio} behind other filters`
}

/** Whether any filter does more than move, cut or mix the pictures that it gets. */
function convertsColours(filters: string): boolean {
  const names = filters.split(',').flatMap((filter) => /^[a-z0-9_]+/.exec(filter.trim())?.[0] ?? [])
  return names.some((name) => !KEEPS_LEVELS.has(name))
}

const KEEPS_LEVELS: ReadonlySet<string> = new Set([
  ...[
    'hflip',
    'vflip',
    'crop',
    'pad',
    'transpose',
    'null',
    'copy',
    'setsar',
    'setdar',
    'setparams',
    'setfield',
  ],
  ...[
    'yadif',
    'bwdif',
    'w3fdif',
    'fieldorder',
    'fps',
    'select',
    'setpts',
    'settb',
    'tmix',
    'hqdn3d',
    'decimate',
  ],
])

/** `16:11` as filters take it; 0/1 is the unknown ratio. */
function toRatio(text = ''): string {
  return /^\d+:\d+$/.test(text) ? text.replace(':', '/') : '0/1'
}

/** A segment's pictures would not be like the film's first. The message says in what. */
export class LookInDoubt extends Error {
  override readonly name = 'LookInDoubt'
  /** Of the film, as far as they are known. */
  readonly looks: Job['looks']

  constructor(message: string, looks?: Job['looks']) {
    super(message)
    this.looks = looks
  }
}
