/** One segment as a worker gets it: everything that decides its frames, and nothing about where the bytes come from. */
import type { ByteRange } from '../packet-positions.ts'
import type { Rational } from '../rational.ts'
import type { Retiming } from './retime.ts'

/** Containers that hold a segment's timestamps exactly. Matroska rounds to milliseconds and is none of them. */
export const SEGMENT_CONTAINERS = ['mp4', 'mov'] as const
export type SegmentContainer = (typeof SEGMENT_CONTAINERS)[number]

/** A half-open stretch of the source's time in its own ticks; `undefined` leaves an end open. */
export interface SegmentRange {
  readonly startPts: bigint | undefined
  readonly endPts: bigint | undefined
}

/** Which of the source's frames a segment's filters see, and which of theirs are the segment's. */
export interface SegmentSource extends SegmentRange {
  /** In ticks of what leaves the filters, which count from the film's zero point; undefined: all of it. */
  readonly filtered: SegmentRange | undefined
  /** Where to start decoding, tried in turn until the frames are as expected; `undefined` is the file's start. */
  readonly seekPts: readonly (bigint | undefined)[]
  /** Of the source, about what is read from the first of those places; undefined where nobody knows. */
  readonly bytes: ByteRange | undefined
}

/** How the source's video is read, whatever is done with its pictures. */
export interface SegmentInput {
  /** The demuxer, forced, so that every machine reads the file as the coordinator did. */
  readonly format: string
  /** Index of the video stream in the file. */
  readonly stream: number
  readonly timeBase: Rational
  /** What a single run subtracts from every timestamp, in microseconds. */
  readonly zeroMicroseconds: bigint
  /** The x264 build that an H.264 stream names in its first packet: the decoder makes up for what old ones got wrong. */
  readonly x264Build: number | undefined
}

export interface SegmentTask extends Omit<SegmentSource, 'bytes'>, SegmentInput {
  readonly encoderTimeBase: Rational
  /** What is subtracted from the times on the way to the encoder: the user's `-ss`. */
  readonly startMicroseconds: bigint
  readonly expected: {
    readonly frames: number
    /** Of the frames' times in ticks of the segment's time scale, shift included. */
    readonly ptsDigest: string
    /** Size and pixel format, such as `1920x1080 yuv420p`; a single run scales a film that changes to its beginning. */
    readonly picture: string
  }
  /** The video options, encoder included, filters not. */
  readonly video: readonly string[]
  /** The user's filters as FFmpeg writes a chain; may be empty. */
  readonly filters: string
  /** How often each frame is shown; undefined: once. */
  readonly retiming: Retiming | undefined
  readonly container: SegmentContainer
  /** Write the parameter sets in front of every keyframe too. */
  readonly inBandHeaders: boolean
}

/**
 * Segments carry their place in the film plus this many seconds, so that no decode time goes below zero. 1001 s is a
 * whole number of frames at n/1 and at n/1001 frames per second.
 */
export const SEGMENT_SHIFT_SECONDS = 1001

/** The track time scale of a segment: the encoder's, doubled as FFmpeg's mp4 muxer does until it is fine enough. */
export function segmentTimeScale(encoderTimeBase: Rational): number {
  let scale = encoderTimeBase.den
  while (scale < 10_000) scale *= 2
  return scale
}
