/** Looks at the pictures of a finished film beside those it was made of, at sampled places. */
import { MediaError } from '../failure.ts'
import type { Tool } from '../ffmpeg/index.ts'
import { fileUrl } from '../probe.ts'
import { toSeconds } from '../rational.ts'
import { segmentSource } from '../segment/index.ts'
import { decodePictures } from '../segment/pictures.ts'
import type { DecodingFinding, PictureFinding } from '../verification/finding.ts'
import { comparePictures, type FilmFile, type PictureScore } from './compare.ts'
import { type Judgement, judgePictures, median } from './judge.ts'
import { type Stretch, sampleStretches, splitAt } from './samples.ts'

export { type FilmFile, filmAsItIs } from './compare.ts'

export interface SegmentLook {
  readonly difference: string | undefined
  /** What kind of difference it is, where there are pictures to compare. */
  readonly kind?: Judgement['kind']
  /** Of the shrunk pictures, in dB. */
  readonly lowestPsnr: number
}

const UNDECODABLE: SegmentLook = { difference: 'cannot be decoded', lowestPsnr: 0 }

/**
 * Looks at a few pictures of a segment beside those of its source.
 *
 * @param stretch of the film
 * @returns what is wrong with one of them, in a few words, and how far the farthest is; undefined: there is nothing to compare
 * @throws MediaError TOOL_STALLED; the signal's reason
 */
export async function lookAtSegment(
  ffmpeg: Tool,
  segment: FilmFile,
  source: FilmFile,
  stretch: Stretch,
  options: { signal?: AbortSignal } = {},
): Promise<SegmentLook | undefined> {
  let scores: readonly PictureScore[] | undefined
  try {
    scores = await comparePictures(ffmpeg, [segment, source], stretch, {
      ...{ from: 'near', background: true },
      ...options,
    })
    // From some places on decoders leave out pictures of the source: there is nothing to compare with then.
    if (scores === undefined) return (await canBeDecoded()) ? undefined : UNDECODABLE
  } catch (error) {
    if (!(error instanceof MediaError) || error.code !== 'TOOL_EXIT') throw error
    return { ...UNDECODABLE, difference: `cannot be decoded (${error.words})` }
  }
  const [worst] = judgePictures(scores, median(scores.map(({ coarsePsnr }) => coarsePsnr)))
  const lowestPsnr = lowest(scores.map(({ coarsePsnr }) => coarsePsnr))
  if (worst === undefined) return { difference: undefined, lowestPsnr }
  const { ssim, coarsePsnr, place } = worst.score
  const difference = `differ (frame ${place}, ${worst.kind}: SSIM ${ssim.toFixed(3)}, ${coarsePsnr.toFixed(1)} dB when shrunk)`
  return { difference, kind: worst.kind, lowestPsnr }

  async function canBeDecoded(): Promise<boolean> {
    const { file, index, zeroMicroseconds, x264Build, begins = 0 } = segment
    const [first, end] = [stretch.first - begins, stretch.end - begins]
    const { frames } = await decodePictures(
      ffmpeg,
      {
        format: file.format,
        stream: file.video.index,
        timeBase: index.timeBase,
        zeroMicroseconds,
        x264Build,
      },
      { inputUrl: fileUrl(file.path) },
      { range: segmentSource(segment, first, end), seekPts: undefined },
      { ...options, background: true },
    )
    return frames === end - first
  }
}
export { type Stretch, thinOut } from './samples.ts'

/** What a few pictures beside each other are like. */
export interface StretchLook {
  /** Places of frames, half-open. */
  readonly first: number
  readonly end: number
  /** From the film's first frame to the stretch's. */
  readonly seconds: number
  readonly medianSsim: number
  readonly lowestSsim: number
  /** Of the pictures shrunk to 64x36, in dB. */
  readonly lowestCoarsePsnr: number
}

export interface PicturesCompared {
  readonly compared: number
  readonly medianSsim: number
  readonly lowestSsim: number
  readonly medianCoarsePsnr: number
  readonly lowestCoarsePsnr: number
  /** In the film's order. */
  readonly stretches: readonly StretchLook[]
  readonly findings: readonly (PictureFinding | DecodingFinding)[]
}

/**
 * The films have the same number of frames. What looks wrong is looked at again with everything decoded from the start:
 * a seek that went wrong is not the file's fault.
 *
 * @param seams places of the frames to look at closely
 * @param options.changes places from where on the source's pictures are of another kind: FFmpeg loses frames there where it reads two films at once
 */
export async function lookAtPictures(
  ffmpeg: Tool,
  output: FilmFile,
  source: FilmFile,
  seams: readonly number[],
  { changes = [], ...options }: { signal?: AbortSignal; changes?: readonly number[] } = {},
): Promise<PicturesCompared> {
  const frames = output.film.pts.length
  // Where one cannot seek, each stretch costs all before it: better to read all of it once.
  const canSeek = output.index.seekable && source.index.seekable && source.chain.history !== 'all'
  const sampled = canSeek ? sampleStretches(frames, seams) : [{ first: 0, end: frames }]
  const stretches = sampled.flatMap((stretch) => splitAt(stretch, changes))
  const missing: DecodingFinding[] = []
  const looks: { stretch: Stretch; scores: readonly PictureScore[] }[] = []
  for (const stretch of stretches) {
    const near = await comparePictures(ffmpeg, [output, source], stretch, { from: 'near', ...options })
    looks.push({ stretch, scores: near ?? (await lookFromStart(stretch)) })
  }
  const medianCoarsePsnr = median(looks.flatMap(({ scores }) => scores.map(({ coarsePsnr }) => coarsePsnr)))
  for (const look of looks) {
    if (changes.length > 0 || judgePictures(look.scores, medianCoarsePsnr).length === 0) continue
    look.scores = await lookFromStart(look.stretch)
  }
  const scores = looks.flatMap((look) => look.scores)
  const medianSsim = median(scores.map(({ ssim }) => ssim))
  const findings = judgePictures(scores, medianCoarsePsnr).map(({ score, kind }): PictureFinding => {
    const { place: at, ssim, coarsePsnr, planes } = score
    const psnr = kind === 'colours' ? (planes?.colourPsnr ?? coarsePsnr) : coarsePsnr
    const seconds = toSeconds(output.film.pts[at] ?? 0n, output.film.timing.source)
    return { code: 'OUTPUT_PICTURE', kind, at, seconds, ssim, psnr, medianSsim }
  })
  return {
    compared: scores.length,
    medianSsim,
    lowestSsim: lowest(scores.map(({ ssim }) => ssim)),
    medianCoarsePsnr,
    lowestCoarsePsnr: lowest(scores.map(({ coarsePsnr }) => coarsePsnr)),
    stretches: looks.flatMap(({ stretch, scores: own }) => inParts(stretch, own)).map(lookOf),
    findings: [...missing, ...findings],
  }

  function lookOf(own: readonly PictureScore[]): StretchLook {
    const [first = 0, last = 0] = [own[0]?.place, own.at(-1)?.place]
    const { pts, timing } = output.film
    return {
      ...{ first, end: last + 1, seconds: toSeconds((pts[first] ?? 0n) - (pts[0] ?? 0n), timing.source) },
      medianSsim: median(own.map(({ ssim }) => ssim)),
      lowestSsim: lowest(own.map(({ ssim }) => ssim)),
      lowestCoarsePsnr: lowest(own.map(({ coarsePsnr }) => coarsePsnr)),
    }
  }

  async function lookFromStart(stretch: Stretch): Promise<readonly PictureScore[]> {
    if (changes.length > 0) return []
    const found = await comparePictures(ffmpeg, [output, source], stretch, { from: 'start', ...options })
    if (found !== undefined) return found
    const detail = `not all of the frames ${stretch.first} to ${stretch.end - 1} can be decoded`
    missing.push({ code: 'OUTPUT_DECODING', detail, more: 0 })
    return []
  }
}

/** Of a film that was looked at as a whole there is one stretch, in which much can be like nothing. */
function inParts({ first, end }: Stretch, scores: readonly PictureScore[]): (readonly PictureScore[])[] {
  const size = Math.max(PART_FRAMES, Math.ceil((end - first) / PARTS_MAX))
  const count = Math.ceil(scores.length / size)
  return Array.from({ length: count }, (_, at) => scores.slice(at * size, (at + 1) * size))
}

const PART_FRAMES = 24
const PARTS_MAX = 400

function lowest(numbers: readonly number[]): number {
  return numbers.reduce((least, number) => Math.min(least, number), Number.POSITIVE_INFINITY)
}
