/**
 * Which pictures are wrong. Pure. Encoders lose detail as they are told to, so a picture is judged by what they never do:
 * make it more like its neighbour than like itself, or lose its large shapes.
 */
import type { PictureScore } from './compare.ts'

export interface Judgement {
  readonly score: PictureScore
  readonly kind: 'misplaced' | 'outlier' | 'colours' | 'levels'
}

/*
 * Measured on six films of 6 to 20 s, each by x264 at CRF 30 and 45, x265 at CRF 42 and SVT-AV1 at CRF 60: a picture's
 * distance to its own source was at most 1.20 times that to a neighbour; its coarse PSNR never below 26 dB, and at most
 * 8 dB below the median.
 */
const NEARER_TO_NEIGHBOUR = 1.5
const NEARER_AT_LEAST = 0.01
const COARSE_DROP = 12
const COARSE_MAX = 30
// A film that is wrong as a whole has a low median: at 20 dB it is lighter by a tenth.
const COARSE_MIN = 24
/*
 * Colour shrunk to 64x36 never fell below 36.8 dB in five films of 6 s (x264 at CRF 45, x265 at CRF 42, SVT-AV1 at CRF 60), and
 * in a test pattern below 32 dB. Without any colour at all it is at 22 to 28 dB, in dull pictures up to 36.
 */
const COLOUR_MIN = 30
const COLOUR_BELOW_LIGHT = 8

// Of four films of 6 s (x264 at CRF 30) light that was expanded or squeezed without a word lay at 25 to 35 dB, and at 43 to 47 once that
// was undone; undone where it was right, it lost 11 dB.
const LEVELS_GAIN = 6
const LEVELS_MAX = 40

/** @param medianCoarsePsnr that of the whole film */
export function judgePictures(scores: readonly PictureScore[], medianCoarsePsnr: number): Judgement[] {
  const coarseMin = Math.max(COARSE_MIN, Math.min(COARSE_MAX, medianCoarsePsnr - COARSE_DROP))
  return scores.flatMap((score): Judgement[] => {
    if (score.levelsGain > LEVELS_GAIN && score.coarsePsnr < LEVELS_MAX) return [{ score, kind: 'levels' }]
    if (hasOtherColours(score)) return [{ score, kind: 'colours' }]
    if (score.coarsePsnr < coarseMin) return [{ score, kind: 'outlier' }]
    const neighbour = Math.max(score.ssimBefore ?? 0, score.ssimAfter ?? 0)
    const isNearer = 1 - score.ssim > NEARER_TO_NEIGHBOUR * (1 - neighbour)
    return isNearer && neighbour - score.ssim > NEARER_AT_LEAST ? [{ score, kind: 'misplaced' }] : []
  })
}

function hasOtherColours({ planes }: PictureScore): boolean {
  if (planes === undefined) return false
  const { lightPsnr, colourPsnr } = planes
  return colourPsnr < COLOUR_MIN && colourPsnr < lightPsnr - COLOUR_BELOW_LIGHT
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
