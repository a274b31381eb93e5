/** The film's first frame as a single run encodes it, and how all others are to be shown like it. */
import {
  differencesInTags,
  encodeFirstFrames,
  type FilmStart,
  findLookChange,
  followsAspectRatio,
  followsColours,
  inspectSegment,
  type LocatedTools,
  lowerBound,
  MediaError,
  type Opening,
  readFirstLook,
  segmentSource,
  startAtSegment,
  startDecoded,
  startWithSource,
} from '../../media/index.ts'
import type { SwarmNode } from '../node.ts'
import type { Job } from './job.ts'
import { segmentInput } from './starts.ts'

type Known = Pick<Job, 'source' | 'index' | 'film' | 'synced' | 'params' | 'zeroMicroseconds' | 'x264Build'>

interface Options {
  signal: AbortSignal
}

/**
 * Behind `-ss` the first frame is sought out, since decoding all before it could take minutes. That is done after all where the
 * source's first frame has another sample aspect ratio, which FFmpeg 5 gives to its encoders whatever is cut away.
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
    const isAlike = first.sampleAspectRatio === kept.sampleAspectRatio
    return isAlike ? sought : startDecoded(source, params)
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
 * Looks for a place from where on the source tells otherwise how its pictures are to be shown, and whether a segment there would. It
 * takes seconds to minutes, and is nearly never so: work does not wait for it.
 *
 * @throws LookInDoubt
 */
export async function checkLook(
  tools: LocatedTools,
  job: Job,
  options: Options & { scratchDir: string },
): Promise<void> {
  const { source, index, film, synced, params, container } = job
  // Elsewhere places in the film are not places in the source: segments tell when they are there.
  if (job.alike !== '' || synced !== undefined || params.filters.times !== 'kept') return
  const from = film.pts[0] ?? 0n
  const at = await findLookChange(tools.ffprobe, source, index, { ...options, from })
  const place = at === undefined ? film.pts.length : lowerBound(film.pts, at)
  if (place === film.pts.length) return
  const there = { ...openingOf(job), start: startAt(job, place) }
  const path = await encodeFirstFrames(tools.ffmpeg, there, container, {
    ...options,
    name: 'look',
    frames: 1,
  })
  const { description } = await inspectSegment(tools.ffprobe, path, container, options)
  const differences = differencesInTags(params.encoder, description, job.description)
  if (differences.length > 0) throw new LookInDoubt(differences)
}

/**
 * The job whose segments are all told the colours and the sample aspect ratio that a single run takes from the first frame.
 *
 * @throws MediaError INPUT_LOOK_CHANGES where a single run would change the ratio on the way
 */
export async function shownAlike(
  { tools, ffmpeg }: Pick<SwarmNode, 'tools' | 'ffmpeg'>,
  job: Job,
  differences: readonly string[],
  options: Options,
): Promise<Job> {
  const { source, params, format, description } = job
  const { encoder } = params
  const sampleAspectRatio = toRatio(description.get('sample_aspect_ratio'))
  if (
    differences.some((difference) => difference.startsWith('sample aspect ratio')) &&
    followsAspectRatio(encoder, format, ffmpeg.libavcodec)
  ) {
    throw new MediaError({ code: 'INPUT_LOOK_CHANGES', path: source.path, encoder, sampleAspectRatio })
  }
  const look = await readFirstLook(tools.ffmpeg, { source, start: startAt(job, 0) }, options)
  const alike = [
    ...(followsColours(encoder) ? [] : [`setparams=${look.colours}`]),
    `setsar=${sampleAspectRatio}`,
  ].join(',')
  return { ...job, alike }
}

/** `16:11` as filters take it; 0/1 is the unknown ratio. */
function toRatio(text = ''): string {
  return /^\d+:\d+$/.test(text) ? text.replace(':', '/') : '0/1'
}

/** A segment's pictures would be shown otherwise than the film's first. */
export class LookInDoubt extends Error {
  override readonly name = 'LookInDoubt'
  readonly differences: readonly string[]

  constructor(differences: readonly string[]) {
    super(differences.join(', '))
    this.differences = differences
  }
}
