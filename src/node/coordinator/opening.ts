/** The film's first frame as a single run encodes it, and how all others are to be shown like it. */
import {
  differencesInTags,
  encodeFirstFrames,
  type FilmStart,
  followsAspectRatio,
  followsColours,
  inspectSegment,
  isToldByPictures,
  type KeyframeLook,
  type LocatedTools,
  lowerBound,
  MediaError,
  MICROSECONDS,
  type Opening,
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
import { segmentInput } from './starts.ts'

type Known = Pick<Job, 'source' | 'index' | 'film' | 'synced' | 'params' | 'zeroMicroseconds' | 'x264Build'>

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
  const { source, params } = known
  const ofSource = startWithSource(source, params)
  if (params.trim.startMicroseconds === undefined) return ofSource
  const sought = startAt(known, 0)
  try {
    const [first, kept] = await Promise.all([
      readFirstLook(ffmpeg, { source, start: ofSource }, options),
      readFirstLook(ffmpeg, { source, start: sought }, options),
    ])
    return first.shape === kept.shape ? sought : startDecoded(source, params)
  } catch (error) {
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
 * @throws LookInDoubt
 */
export async function checkLook(
  tools: LocatedTools,
  job: Job,
  options: Options & { scratchDir: string },
): Promise<void> {
  const { source, film, synced, params, container } = job
  if (job.alike !== '' || !isToldByPictures(source)) return
  const [first, ...changes] = await looksOf(tools, job, options)
  const otherwise = changes.find(
    ({ pixelFormat, levels }) => pixelFormat !== first?.pixelFormat || levels !== first?.levels,
  )
  if (otherwise !== undefined) {
    const [from, to] = [first, otherwise].map((look) => `${look?.pixelFormat} ${look?.levels}`)
    throw new LookInDoubt(`${from} becomes ${to}`)
  }
  // Elsewhere places in the film are not places in the source: segments tell when they are there.
  if (changes[0] === undefined || synced !== undefined || params.filters.times !== 'kept') return
  const place = lowerBound(film.pts, changes[0].pts)
  if (place === film.pts.length) return
  const there = { ...openingOf(job), start: startAt(job, place) }
  const path = await encodeFirstFrames(tools.ffmpeg, there, container, {
    ...options,
    name: 'look',
    frames: 1,
  })
  const { description } = await inspectSegment(tools.ffprobe, path, container, options)
  const differences = differencesInTags(params.encoder, description, job.description)
  if (differences.length > 0) throw new LookInDoubt(differences.join(', '))
}

/** Of the pictures of the film. */
export async function looksOf(
  { ffmpeg }: LocatedTools,
  { source, index, film, synced, zeroMicroseconds }: Job,
  options: Options,
): Promise<KeyframeLook[]> {
  // In the source's time, also where filters have made the film's.
  const { pts, timing } = synced?.from ?? film
  const inSource = (time: bigint) =>
    rescale(time, timing.source, index.timeBase) +
    (timing.zeroMicroseconds === zeroMicroseconds
      ? 0n
      : rescale(zeroMicroseconds, MICROSECONDS, index.timeBase))
  return await readLooks(ffmpeg, source, index, {
    ...options,
    from: inSource(pts[0] ?? 0n),
    end: inSource(pts.at(-1) ?? 0n) + 1n,
  })
}

/**
 * The job whose segments are all brought into the first frame's pixel format, and told the colours and the sample aspect ratio that a
 * single run takes from it.
 *
 * @throws MediaError INPUT_LOOK_CHANGES where a single run makes something of the change that no segment can know
 */
export async function shownAlike(tools: LocatedTools, job: Job, options: Options): Promise<Job> {
  return await shownBy(tools, job, await looksOf(tools, job, options), options)
}

async function shownBy(
  tools: LocatedTools,
  job: Job,
  looks: readonly KeyframeLook[],
  options: Options,
): Promise<Job> {
  const { source, params, description, picture } = job
  await refuseChanges(tools, job, looks, options)
  const inFormat = `format=${picture.replace(/^.* /, '')}`
  const start = startAt(job, 0)
  const filters = [start.filters, inFormat].filter((part) => part !== '').join(',')
  const look = await readFirstLook(tools.ffmpeg, { source, start: { ...start, filters } }, options)
  const alike = [
    inFormat,
    ...(followsColours(params.encoder) ? [] : [`setparams=${look.colours}`]),
    `setsar=${toRatio(description.get('sample_aspect_ratio'))}`,
  ].join(',')
  return { ...job, alike }
}

/** The same for a file that was made by whatever means, where its source's pictures change at all. */
export async function shownAsMade(tools: LocatedTools, job: Job, options: Options): Promise<Job> {
  if (!isToldByPictures(job.source)) return job
  const looks = await looksOf(tools, job, options)
  if (looks.length <= 1) return job
  try {
    return await shownBy(tools, job, looks, options)
  } catch (error) {
    if (error instanceof MediaError) return job
    throw error
  }
}

async function refuseChanges(
  { ffmpeg }: LocatedTools,
  { source, params, format, description, picture }: Job,
  looks: readonly KeyframeLook[],
  options: Options,
): Promise<void> {
  const libavcodec = await readLibavcodec(ffmpeg, options)
  const { encoder, filters } = params
  const refused = (detail: string) =>
    new MediaError({ code: 'INPUT_LOOK_CHANGES', path: source.path, detail })
  const ratios = new Set(looks.map(({ sampleAspectRatio }) => sampleAspectRatio))
  if (ratios.size > 1 && !setsRatio(filters.text) && followsAspectRatio(encoder, format, libavcodec)) {
    const ratio = toRatio(description.get('sample_aspect_ratio'))
    throw refused(
      `its sample aspect ratio changes, and ${encoder} of this FFmpeg would change with it at a place that no segment can know: say which one it is to have, with -vf setsar=${ratio} behind other filters`,
    )
  }
  const isConverted = looks.some(
    ({ pixelFormat }) => pixelFormat !== picture.replace(/^.* /, '') || convertsColours(filters.text),
  )
  const changesLevels = looks.some(({ pixelFormat, size, levels }, at) => {
    const before = looks[at - 1]
    return before?.pixelFormat === pixelFormat && before.size === size && before.levels !== levels
  })
  if (libavcodec < 61 && isConverted && changesLevels) {
    throw refused(
      "its colours change, and what the filters and conversions of this FFmpeg make of later ones depends on earlier ones: take FFmpeg 7, or make one film of it first, with 'ffmpeg -i INPUT -map 0 -c copy -c:v ffv1 NEW.mkv'",
    )
  }
}

function setsRatio(filters: string): boolean {
  return /(^|,)set[sd]ar\b/.test(filters)
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
}
