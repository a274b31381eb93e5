/** A finished output looked at, picture by picture at sampled places, beside the film that the job made it of. */
import {
  checkDecoding,
  compareCopies,
  compareSubtitles,
  type FilmFile,
  type FilteredSource,
  type Finding,
  filmAsItIs,
  type LocatedTools,
  lookAtPictures,
  lowerBound,
  type PicturesCompared,
  readFrameIndex,
  thinOut,
  type VerifiedOutput,
} from '../../media/index.ts'
import type { Job } from './job.ts'
import { isAlike, startsWithLook } from './opening.ts'

// Each costs the decoding of a GOP or two of both films.
const KEYFRAMES_MAX = 60

export interface Look {
  readonly findings: readonly Finding[]
  /** Undefined where the films differ in their frames: there is no telling which picture belongs to which. */
  readonly pictures: PicturesCompared | undefined
  /** How many tracks of sound that is copied, and of subtitles, were compared. */
  readonly copies: number
}

/** @param seams places of the segments' first frames; undefined where nobody knows: the output's keyframes then */
export async function lookAtOutput(
  tools: LocatedTools,
  job: Job,
  verified: VerifiedOutput,
  seams: readonly number[] | undefined,
  options: { signal: AbortSignal },
): Promise<Look> {
  const { source, params } = job
  const plan = await job.streams
  const planned = { source, plan, params }
  const sound = await compareCopies(tools.ffmpeg, verified.file, planned, options)
  const subtitles = await compareSubtitles(tools.ffmpeg, verified, planned, options)
  const decoding = await checkDecoding(tools.ffmpeg, verified.file, source, options)
  const pictures = await lookAtFilm(tools, job, verified, seams, options)
  return {
    findings: [...sound.findings, ...subtitles.findings, ...decoding, ...(pictures?.findings ?? [])],
    pictures,
    copies: sound.compared + subtitles.compared,
  }
}

/** The film that a job makes of its source. @param plan as much of it as is known */
export function sourceFilm(job: Job, plan: Omit<FilteredSource, 'chain'>): FilmFile {
  const { filters } = job.params
  const text = [filters.text, job.alike].filter((part) => part !== '').join(',')
  const { index, film, zeroMicroseconds } = plan
  const chain = { ...filters, text }
  return { ...{ index, film, zeroMicroseconds, chain }, file: job.source, x264Build: job.x264Build }
}

async function lookAtFilm(
  tools: LocatedTools,
  job: Job,
  { file: output, findings, hidesPictures }: VerifiedOutput,
  seams: readonly number[] | undefined,
  options: { signal: AbortSignal },
): Promise<PicturesCompared | undefined> {
  // Repeated and dropped frames have no picture of the same time in the source.
  if (findings.some(({ code }) => code === 'OUTPUT_FRAMES') || job.synced !== undefined) return undefined
  // Hidden ones are not decoded, and the places of the others are not the film's.
  if (hidesPictures) return undefined
  if (losesColours(job)) return undefined
  const index = await readFrameIndex(tools, output, options)
  const film = filmAsItIs(output, index)
  const source = sourceFilm(job, job)
  const changes = findChanges(job)
  // Where one cannot seek, all is read at once.
  if (changes.length > 0 && (!job.index.seekable || job.params.filters.times !== 'kept')) return undefined
  if (changes.length > 0 && !(await startsAnywhere(tools, job, options))) return undefined
  const places = seams ?? thinOut(placesOf(index.keyframes, index.pts), KEYFRAMES_MAX)
  return await lookAtPictures(tools.ffmpeg, film, source, places, { ...options, changes })
}

/** Whether pictures behind a change look the same wherever a decoder begins. */
async function startsAnywhere(
  tools: LocatedTools,
  job: Job,
  options: { signal: AbortSignal },
): Promise<boolean> {
  const { keyframes } = job.index
  const places = placesOf(keyframes, job.film.pts)
  for (const first of thinOut(places, KEYFRAMES_MAX)) {
    const seek = job.film.pts[first]
    const start = { first, seekPts: [seek], startPts: seek }
    if (!(await startsWithLook(tools, job, start, options))) return false
  }
  return true
}

/** Places from where on the source's pictures have another size or pixel format, range or matrix: FFmpeg may set up its filters anew there. */
function findChanges({ looks = [], film }: Job): number[] {
  return looks.flatMap((look, at) => {
    const before = looks[at - 1]
    const isSame = before === undefined || isAlike(before, look)
    return isSame ? [] : [lowerBound(film.pts, look.pts)]
  })
}

/** By its pixel format, which the pictures' comparison does not apply to the source. H.264 without colours is decoded as if it had some. */
function losesColours({ params: { video } }: Job): boolean {
  return video.some(
    (word, at) => /^-pix_fmt(:|$)/.test(video[at - 1] ?? '') && /^(gray|mono|ya\d)/.test(word),
  )
}

function placesOf(times: BigInt64Array, pts: BigInt64Array): number[] {
  const wanted = new Set(times)
  return [...pts.keys()].filter((place) => wanted.has(pts[place] ?? 0n))
}

/** The places where one segment's frames end and the next one's begin. */
export function seamsOf(frames: readonly number[]): number[] {
  let place = 0
  return frames.slice(0, -1).map((count) => {
    place += count
    return place
  })
}
