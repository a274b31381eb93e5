/**
 * Whether a source decodes to the same pictures from a later keyframe on as from its start. Some decoders keep more than
 * a keyframe resets, some encoders call keyframe what is none, and neither says so: only a comparison shows it.
 */

import { lowerBound } from './ascending-times.ts'
import { seekPlaces } from './cuts.ts'
import { MediaError } from './failure.ts'
import type { Tool } from './ffmpeg/index.ts'
import type { FrameIndex } from './frame-index.ts'
import { type DecodedPictures, decodePictures } from './segment/pictures.ts'
import type { SegmentInput } from './segment/task.ts'

/** Frames `[first, end)`, and which of their places to start from (undefined: the file's start) tells the truth. */
interface Sample {
  readonly first: number
  readonly end: number
  readonly places: readonly (bigint | undefined)[]
  readonly reference: bigint | undefined
}

// Two seconds of film: what a decoder lacks at a keyframe shows in the pictures that follow.
const SAMPLE_FRAMES = 48

/**
 * Codecs whose decoders were found to keep nothing over a keyframe without saying so, whatever the encoder: to look at each
 * file of theirs would cost as much as encoding some seconds of it.
 */
const TRUSTED: ReadonlySet<string> = new Set([
  ...['h264', 'hevc', 'av1', 'vp8', 'vp9', 'mpeg1video', 'mpeg2video', 'mpeg4', 'prores', 'dnxhd', 'mjpeg'],
])

// Up to there the decoder makes up for x264's faults, which only the first packet tells of.
const X264_BUILD_FAULTY = 150

/** Whether nothing but a comparison can tell where such a stream may be decoded from. */
export function needsComparison(codec: string, x264Build: number | undefined): boolean {
  return !TRUSTED.has(codec) || (x264Build !== undefined && x264Build <= X264_BUILD_FAULTY)
}

/** @returns false where the source must be decoded from its start whatever is wanted of it */
export async function decodesAlike(
  ffmpeg: Tool,
  input: SegmentInput,
  inputUrl: string,
  index: FrameIndex,
  options: { signal?: AbortSignal } = {},
): Promise<boolean> {
  const decode = async (sample: Sample, seekPts: bigint | undefined): Promise<DecodedPictures> => {
    const range = { startPts: index.pts[sample.first], endPts: index.pts[sample.end] }
    try {
      return await decodePictures(
        ffmpeg,
        input,
        { inputUrl },
        { seekPts, range },
        { ...options, background: true },
      )
    } catch (error) {
      // ffmpeg gives up where it can decode next to nothing.
      if (error instanceof MediaError && error.code === 'TOOL_EXIT') return NOTHING
      throw error
    }
  }
  for (const sample of samplesOf(index)) {
    const found = await firstComplete(sample, decode)
    // A complaint is looked into segment by segment.
    if (found === undefined || found.complaints > 0) continue
    const truth = await decode(sample, sample.reference)
    if (truth.frames === found.frames && truth.digest !== found.digest) return false
  }
  return true
}

const NOTHING: DecodedPictures = { frames: 0, digest: '', complaints: 1 }

/** What a segment would start from: the first place that gives all of the sample's frames. */
async function firstComplete(
  sample: Sample,
  decode: (sample: Sample, seekPts: bigint | undefined) => Promise<DecodedPictures>,
): Promise<DecodedPictures | undefined> {
  for (const place of sample.places) {
    if (place === sample.reference) return undefined
    const pictures = await decode(sample, place)
    if (pictures.frames === sample.end - sample.first) return pictures
  }
  return undefined
}

/** The first frames that need not be decoded from the start, and the film's last. */
function samplesOf(index: FrameIndex): Sample[] {
  const early = Array.from(index.keyframes.subarray(1, 4), (pts) => lowerBound(index.pts, pts)).find(
    (first) => first < index.pts.length && seekPlaces(index, first)[0] !== undefined,
  )
  if (early === undefined) return []
  const last = index.pts.length
  const late = Math.max(early, last - SAMPLE_FRAMES)
  const latePlaces = seekPlaces(index, late)
  return [
    {
      first: early,
      end: Math.min(last, early + SAMPLE_FRAMES),
      places: seekPlaces(index, early),
      reference: undefined,
    },
    {
      first: late,
      end: last,
      places: latePlaces,
      reference: latePlaces[1],
    },
  ]
}
