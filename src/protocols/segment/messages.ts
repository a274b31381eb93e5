/** What coordinator and worker say to each other about one attempt of one task. */

import { z } from 'zod'
import { failureCode, failureText, int64, opaqueId } from '../messages.ts'

const count = z.int().min(0)

/** Numerator and denominator, both positive: FFmpeg keeps them in 32-bit integers. */
const rational = z.tuple([z.int().min(1).max(0x7fffffff), z.int().min(1).max(0x7fffffff)])

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

export const segmentOffer = z.object({
  job: opaqueId,
  task: count,
  attempt: count,
  source: z.object({
    blob: opaqueId,
    sizeBytes: count,
    /** The name of the demuxer. */
    format: z.string().regex(/^[a-z0-9_]{1,64}$/),
    /** The index of the video stream in the file. */
    stream: z.int().min(0).max(65_535),
    /** About what is read of it, half-open, in bytes; null where nobody knows. More is there for the asking. */
    bytes: z
      .tuple([count, count])
      .refine(([start, end]) => start <= end, 'a range that ends before it starts')
      .nullable(),
    /** The encoder's build that an H.264 stream names in its first packet alone. */
    x264Build: z.int().min(0).max(0x7fffffff).nullable(),
  }),
  /** Half-open, in ticks of `timeBase`; null leaves that end open. */
  startPts: int64.nullable(),
  endPts: int64.nullable(),
  timeBase: rational,
  /**
   * Where filters must see more than the segment: which of the frames that leave them are the segment's, half-open, in
   * ticks of their own; null takes all.
   */
  filtered: z.object({ startPts: int64.nullable(), endPts: int64.nullable() }).nullable(),
  /**
   * How often each frame is shown, in runs of frames and times, on a grid of `timeBase` from `firstPts` on; without that
   * frames are left out alone (0) and the others keep their times. Null shows each once.
   */
  retiming: z
    .object({
      timeBase: rational,
      firstPts: int64.nullable(),
      // Longer ones make longer command lines than a system takes.
      runs: z
        .array(z.tuple([z.int().min(1).max(10_000_000), z.int().min(0).max(100_000)]))
        .min(1)
        .max(2_000),
    })
    .nullable(),
  /** Places to start decoding from, to be tried in turn; null is the start of the file. */
  seekPts: z.array(int64.nullable()).min(1).max(16),
  /** What a single run subtracts from every timestamp, in microseconds. */
  zeroMicroseconds: int64,
  /** What is subtracted after the filters, in microseconds. */
  startMicroseconds: int64,
  encoderTimeBase: rational,
  /** What the segment must hold: the digest is over its frames' times as little-endian 64-bit integers. */
  expected: z.object({
    frames: count,
    ptsDigest: sha256,
    /** Size and pixel format. */
    picture: z.string().regex(/^\d{1,6}x\d{1,6} \w{1,32}$/),
  }),
  params: z.array(z.string().max(4096)).max(256),
  container: z.enum(['mp4', 'mov']),
  /** Parameter sets stand in front of every keyframe too. */
  inBandHeaders: z.boolean(),
})

export type SegmentOffer = z.output<typeof segmentOffer>

export const segmentProgress = z.object({
  frames: count,
  /** Frames a second since the attempt began. */
  fps: z.number().min(0),
  /** How many segments the worker encodes at once by now. */
  slots: z.int().min(1).max(1024).optional(),
})

export type SegmentProgress = z.output<typeof segmentProgress>

export const segmentResult = z.object({
  /** The id under which the worker serves the encoded bytes. */
  blob: opaqueId,
  sizeBytes: count,
  sha256,
  frames: count,
  encodeMs: z.number().min(0),
  /** Which of the offer's `seekPts` gave it. */
  seekIndex: z.int().min(0).max(15),
  /** How often the decoder complained about the source. */
  complaints: count,
  cpuMs: z.number().min(0),
})

export type SegmentResult = z.output<typeof segmentResult>

const failure = { code: failureCode, message: failureText }

/** The worker's answer to an offer. */
export const segmentAnswer = z.discriminatedUnion('type', [
  z.object({ type: z.literal('accepted') }),
  z.object({ type: z.literal('refused'), ...failure }),
])

export type SegmentAnswer = z.output<typeof segmentAnswer>

/** What the worker says of a task that it has accepted. */
export const segmentReport = z.discriminatedUnion('type', [
  z.object({ type: z.literal('heartbeat') }),
  z.object({ type: z.literal('progress'), progress: segmentProgress }),
  z.object({ type: z.literal('result'), result: segmentResult }),
  z.object({ type: z.literal('failed'), ...failure }),
])

export type SegmentReport = z.output<typeof segmentReport>

/** How the coordinator ends an attempt. */
export const segmentVerdict = z.discriminatedUnion('type', [
  z.object({ type: z.literal('acknowledge') }),
  z.object({ type: z.literal('reject'), code: failureCode }),
  z.object({ type: z.literal('cancel') }),
])

export type SegmentVerdict = z.output<typeof segmentVerdict>
