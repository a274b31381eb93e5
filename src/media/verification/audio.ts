/** Where each audio track starts and ends against the picture: as a single run has it, and as a file has it. */
import type { Tool } from '../ffmpeg/index.ts'
import type { OutputFormat } from '../output-format.ts'
import type { EncodeParams } from '../params/index.ts'
import type { Source } from '../probe.ts'
import { type Rational, toSeconds } from '../rational.ts'
import type { StreamPlan } from '../stream-plan.ts'
import type { TrackStarts } from '../track-starts.ts'
import { filteredEnds, firstPackets } from './audio-run.ts'
import type { AudioFinding } from './finding.ts'
import { readTracks, type Track } from './tracks.ts'

/** Seconds on the output's clock, before any common shift. */
export interface ExpectedAudio {
  /** Its place among the output's audio tracks. */
  readonly place: number
  /** Index in the source. */
  readonly source: number
  readonly startSeconds: number
  readonly endSeconds: number
  /**
   * Containers agree on where the last packet begins, since only some of them trim its length. Where packets are cut
   * anew (PCM, or an encoder of another frame size) only the track's end can be compared.
   */
  readonly endIs: 'last packet' | 'end'
  /** How far the edges may be off, later and earlier alike for the start. */
  readonly tolerance: { readonly start: number; readonly endEarly: number; readonly endLate: number }
  /** Seconds by which the encoder's first packet is earlier than what it was given. */
  readonly encoderDelay: number
}

/** One track, both ends, from the first picture on; in a file whose tracks start apart, from the track's own start. */
export interface AudioOffsets {
  readonly stream: number
  /** As of {@link ExpectedAudio}. */
  readonly place: number
  readonly source: number
  readonly codec: string
  readonly packets: number
  readonly start: { readonly expectedSeconds: number; readonly actualSeconds: number }
  readonly end: { readonly expectedSeconds: number; readonly actualSeconds: number }
}

// Matroska's milliseconds on both sides, and an edit list's.
const COPY_TOLERANCE = 0.0025
/** FFmpeg writes or reads the delay of Opus in Matroska twice: 312 samples. */
const OPUS_DELAY = 0.0065

/** Their packets are long, and Matroska does not say how long the last one is. */
const LONG_PACKETS: ReadonlySet<string> = new Set(['alac', 'tta', 'wavpack'])
const LONG_PACKET_SECONDS = 1.05
/** Opus ends within its last packet, and the container's length of that packet does not say where: 20 ms, as encoders make them. */
const OPUS_PACKET = 0.02
// A track that is encoded anew ends at a multiple of its own frames: up to 4608 samples (FLAC) after its source.
const LAST_FRAME = 0.12
// Where nobody says how the audio was made: an encoder's delay.
const UNKNOWN_DELAY = 0.05

export interface AudioQuestion {
  readonly source: Source
  readonly plan: StreamPlan
  readonly params: EncodeParams
  readonly format: OutputFormat
  readonly zeroMicroseconds: bigint
  /** False where the params are not those that the file was made with. */
  readonly paramsKnown: boolean
}

/**
 * What a single run makes of the audio. The start is taken from one: its first packets, since only the encoder knows its
 * own delay. The end is the source's, or that of what audio filters make of it.
 */
export async function expectAudio(
  tools: { ffmpeg: Tool; ffprobe: Tool },
  question: AudioQuestion,
  options: { signal?: AbortSignal } = {},
): Promise<ExpectedAudio[]> {
  const { source, plan, params, zeroMicroseconds, paramsKnown } = question
  const planned = plan.streams.filter((stream) => stream.source.kind === 'audio')
  if (planned.length === 0) return []
  const [starts, { tracks }, filtered] = await Promise.all([
    firstPackets(tools.ffmpeg, question, planned, options),
    readTracks(tools.ffprobe, source, { select: 'a', ...options }),
    filteredEnds(tools.ffmpeg, question, planned, options),
  ])
  return planned.flatMap((stream, place) => {
    const start = starts.get(place)
    const track = tracks.get(stream.source.index)
    if (start === undefined || track === undefined) return []
    const zero = Number(zeroMicroseconds) / 1e6
    const isCopy = paramsKnown && stream.action === 'copy'
    const trimmed = trimmedEnd(params.trim)
    const isCut = trimmed < toSeconds(track.endPts, stream.source.timeBase) - zero
    const endIs = isCopy && !isCut && !stream.source.codec.startsWith('pcm_') ? 'last packet' : 'end'
    const end = isCut ? trimmed : toSeconds(edgeOf(track, endIs), stream.source.timeBase) - zero
    const trimmedStart = Number(params.trim.startMicroseconds ?? 0n) / 1e6
    const ofSource = end - trimmedStart
    // FFmpeg takes `-ss` off in the source's ticks or in the output's, as packets come before the first picture or behind it.
    const tick = isCopy && params.trim.startMicroseconds !== undefined ? stream.source.timeBase : undefined
    const tolerance = toleranceOf({ isCopy, paramsKnown, codec: stream.source.codec, tick })
    // A packet that begins within the part is kept whole, or one that ends behind it is not kept.
    const ownPacket = toSeconds(track.endPts - track.lastPts, stream.source.timeBase)
    const aPacket = Math.max(LAST_FRAME, ownPacket + tolerance.start)
    const given = Math.max(toSeconds(track.firstPts, stream.source.timeBase) - zero - trimmedStart, 0)
    return [
      {
        place,
        source: stream.source.index,
        startSeconds: start,
        endSeconds: isCopy ? ofSource : (filtered.get(place) ?? ofSource),
        endIs,
        tolerance: isCut ? { ...tolerance, endEarly: aPacket, endLate: aPacket } : tolerance,
        encoderDelay: Math.max(0, given - start),
      },
    ]
  })
}

/** In seconds of the source. */
function trimmedEnd({ startMicroseconds = 0n, durationMicroseconds }: EncodeParams['trim']): number {
  return durationMicroseconds === undefined
    ? Number.POSITIVE_INFINITY
    : Number(startMicroseconds + durationMicroseconds) / 1e6
}

function toleranceOf({
  isCopy,
  paramsKnown,
  codec,
  tick,
}: {
  isCopy: boolean
  paramsKnown: boolean
  /** Of the source. */
  codec: string
  /** To which its times may be rounded. */
  tick: Rational | undefined
}): ExpectedAudio['tolerance'] {
  const rounding = tick === undefined ? 0 : toSeconds(1n, tick) / 2
  const start = (paramsKnown ? COPY_TOLERANCE : UNKNOWN_DELAY) + rounding
  if (isCopy) return { start, endEarly: start, endLate: start }
  return { start, endEarly: codec === 'opus' ? start + OPUS_PACKET : start, endLate: LAST_FRAME }
}

function edgeOf({ lastPts, endPts }: Track, endIs: ExpectedAudio['endIs']): bigint {
  return endIs === 'end' ? endPts : lastPts
}

/** The same edges in a file. `streams` are its audio tracks in order, as many as are expected. */
export function measureAudio(
  expected: readonly ExpectedAudio[],
  streams: readonly { index: number; codec: string; timeBase: Rational }[],
  tracks: ReadonlyMap<number, Track>,
  firstPicture: { expectedSeconds: number; actualSeconds: number },
  starts: TrackStarts,
): AudioOffsets[] {
  return expected.flatMap((audio) => {
    const stream = streams[audio.place]
    const track = stream === undefined ? undefined : tracks.get(stream.index)
    if (stream === undefined || track === undefined) return []
    // A lone packet stands at zero, and nothing else tells where it should be.
    if (starts === 'together' && track.packets === 1) return []
    const own = {
      expectedSeconds: audio.startSeconds,
      actualSeconds: toSeconds(track.firstPts, stream.timeBase),
    }
    const { expectedSeconds, actualSeconds } = starts === 'apart' ? own : firstPicture
    return [
      {
        stream: stream.index,
        place: audio.place,
        source: audio.source,
        codec: stream.codec,
        packets: track.packets,
        start: {
          expectedSeconds: audio.startSeconds - expectedSeconds,
          actualSeconds: toSeconds(track.firstPts, stream.timeBase) - actualSeconds,
        },
        end: {
          expectedSeconds: audio.endSeconds - expectedSeconds,
          actualSeconds: toSeconds(edgeOf(track, audio.endIs), stream.timeBase) - actualSeconds,
        },
      },
    ]
  })
}

export function checkAudio(
  offsets: readonly AudioOffsets[],
  expected: readonly ExpectedAudio[],
  { demuxer }: Pick<OutputFormat, 'demuxer'>,
): AudioFinding[] {
  return offsets.flatMap(({ stream, place, codec, start, end }) => {
    const audio = expected.find((one) => one.place === place)
    if (audio === undefined) return []
    const { tolerance, encoderDelay } = audio
    const late = end.actualSeconds - end.expectedSeconds
    const more = codec === 'opus' ? OPUS_DELAY : 0
    const unknown = demuxer === 'matroska' && LONG_PACKETS.has(codec) ? LONG_PACKET_SECONDS : 0
    const startsWrong = Math.abs(start.actualSeconds - start.expectedSeconds) > tolerance.start + more
    // FFmpeg's encoders of these keep their last samples to themselves, as many as their delay.
    const kept = /^(mp2|ac3|eac3)$/.test(codec) ? encoderDelay : 0
    // FFmpeg reads the last packet as if the track, which starts so much later, began with the file.
    const clipped = demuxer === 'mov' ? Math.min(Math.max(0, audio.startSeconds), LAST_FRAME) : 0
    const endsWrong =
      late > tolerance.endLate + more + unknown ||
      -late > tolerance.endEarly + more + kept + unknown + clipped
    return [
      ...(startsWrong ? [{ code: 'OUTPUT_AUDIO' as const, stream, edge: 'start' as const, ...start }] : []),
      ...(endsWrong ? [{ code: 'OUTPUT_AUDIO' as const, stream, edge: 'end' as const, ...end }] : []),
    ]
  })
}
