/**
 * What a finished file holds against what the source and the params make: every frame time, every stream, both ends of
 * the audio. Read from the packets alone.
 */
import type { BitRate } from './bit-rate.ts'
import type { Tool } from './ffmpeg/index.ts'
import { ptsDigest } from './frame-index.ts'
import type { OutputFormat } from './output-format.ts'
import { probe, type Source, type SourceStream, type StreamKind } from './probe.ts'
import { equalRationals, formatRational, type Rational, rescale, toSeconds } from './rational.ts'
import type { StreamPlan } from './stream-plan.ts'
import type { TrackStarts } from './track-starts.ts'
import { type AudioOffsets, checkAudio, type ExpectedAudio, measureAudio } from './verification/audio.ts'
import { compareTimes, type TimesComparison } from './verification/compare-times.ts'
import type { Finding } from './verification/finding.ts'
import { showsTheSame } from './verification/shown-times.ts'
import { readTracks, type Track } from './verification/tracks.ts'
import {
  compareDescriptions,
  describeVideo,
  type VideoDescription,
} from './verification/video-description.ts'

export interface ExpectedOutput {
  readonly format: OutputFormat
  readonly plan: StreamPlan
  readonly timeBase: Rational
  /** The frames' times in `timeBase`, as a single run gives them. */
  readonly times: BigInt64Array
  /** As `trackStarts` gives it. */
  readonly starts: TrackStarts
  /** As `expectAudio` gives it. */
  readonly audio: readonly ExpectedAudio[]
  /** Whether the tracks' languages are the source's. */
  readonly keepsLanguages: boolean
  /** As `describeVideo` gives it of a single run's first frame; undefined: it is not known. */
  readonly video: VideoDescription | undefined
  /** As `readEmptyStreams` gives them: their tracks may be missing. */
  readonly empty: ReadonlySet<number>
}

/** A list of times, short enough to be written down. */
export interface TimesSummary {
  readonly count: number
  /** As `ptsDigest` makes it. */
  readonly digest: string
  readonly first: bigint | undefined
  readonly last: bigint | undefined
}

export interface VerifiedOutput {
  /** The file as its container tells it. */
  readonly file: Source
  /** What is wrong with it; empty: nothing. */
  readonly findings: readonly Finding[]
  readonly times: BigInt64Array
  /** Of the video. */
  readonly bitRate: BitRate
  /** Ticks by which the muxer moved the video: so that no stream starts below zero (Matroska), or rounding (mp4). */
  readonly shiftTicks: bigint
  /** The same in seconds. */
  readonly shiftSeconds: number
  /** Whether pictures lie below zero, where the edit list of mp4 and mov hides them. */
  readonly hidesPictures: boolean
  readonly audio: readonly AudioOffsets[]
}

export function summarizeTimes(times: BigInt64Array): TimesSummary {
  return { count: times.length, digest: ptsDigest(times), first: times[0], last: times.at(-1) }
}

/** @throws MediaError where the file cannot be read at all. */
export async function verifyOutput(
  ffprobe: Tool,
  path: string,
  expected: ExpectedOutput,
  options: { signal?: AbortSignal } = {},
): Promise<VerifiedOutput> {
  const file = await probe(ffprobe, path, options)
  const {
    tracks,
    videoTimes: times,
    videoBitRate: bitRate,
  } = await readTracks(ffprobe, file, {
    ...options,
    video: file.video,
  })
  const compared = checkTimes(times, expected, tracks, file.video.index)
  const isHidden =
    compared.findings.length > 0 && expected.format.demuxer === 'mov' && showsTheSame(expected.times, times)
  const { shiftTicks, findings } = isHidden ? { shiftTicks: 0n, findings: [] } : compared
  const streamFindings = [...checkStreams(file, expected), ...(await checkVideo())]
  // Where the pictures' own times are wrong there is nothing to measure sound against.
  const audio =
    findings.length > 0
      ? []
      : measureAudio(expected.audio, audioOf(file), tracks, firstPicture(), expected.starts)
  return {
    file,
    findings: [...findings, ...streamFindings, ...checkAudio(audio, toCheck(), expected.format)],
    times,
    bitRate,
    shiftTicks,
    shiftSeconds: toSeconds(shiftTicks, file.video.timeBase),
    hidesPictures: isHidden || (expected.format.demuxer === 'mov' && (times[0] ?? 0n) < 0n),
    audio,
  }

  async function checkVideo(): Promise<Finding[]> {
    if (expected.video === undefined) return []
    const video = { path, format: file.format, stream: file.video.index }
    return compareDescriptions(await describeVideo(ffprobe, video, options), expected.video)
  }

  /** FFmpeg puts the first packet of a track that starts below zero at zero where it writes no edit list. */
  function toCheck(): readonly ExpectedAudio[] {
    const isMoved = expected.format.demuxer === 'mov' && shiftTicks > editListRounding(expected.timeBase)
    if (expected.starts !== 'together' && !isMoved) return expected.audio
    return expected.audio.map((audio) => ({
      ...audio,
      tolerance: { ...audio.tolerance, start: Number.POSITIVE_INFINITY },
    }))
  }

  /** Where the first picture should stand among the others. */
  function firstPicture() {
    // The other tracks keep their times.
    if (isHidden) return { expectedSeconds: 0, actualSeconds: 0 }
    const first = expected.times[0] ?? 0n
    return {
      expectedSeconds: toSeconds(first, expected.timeBase),
      actualSeconds: toSeconds(first + shiftTicks, file.video.timeBase),
    }
  }
}

/** Compares the lists, allowing the one common shift that the container's own way to hold a start can make. */
function checkTimes(
  times: BigInt64Array,
  expected: ExpectedOutput,
  byIndex: ReadonlyMap<number, Track>,
  video: number,
): { shiftTicks: bigint; findings: Finding[] } {
  const { timeBase, times: wanted, starts } = expected
  const tracks = [...byIndex.values()]
  const { shiftTicks, missing, extra, firstDifference: at } = compareStarts()
  if (at !== undefined) {
    // Behind the last one expected it is the file's own that is too much.
    const own = (times[at] ?? 0n) - shiftTicks
    const seconds = toSeconds(wanted[at] ?? own, timeBase)
    return {
      shiftTicks,
      findings: [{ code: 'OUTPUT_FRAMES', missing, extra, expected: wanted.length, at, seconds }],
    }
  }
  if (shiftTicks === 0n || mayShift()) return { shiftTicks, findings: [] }
  return { shiftTicks, findings: [{ code: 'OUTPUT_SHIFTED', seconds: toSeconds(shiftTicks, timeBase) }] }

  function compareStarts(): TimesComparison {
    const compared = compareTimes(wanted, times)
    if (starts !== 'together' || compared.firstDifference !== 0) return compared
    // The first packet stands at decode time zero, earlier than it should; all others tell the shift.
    const others = compareTimes(wanted.subarray(1), times.subarray(1))
    const isPulled =
      others.firstDifference === undefined &&
      byIndex.get(video)?.firstDts === 0n &&
      (times[0] ?? 0n) < (wanted[0] ?? 0n) + others.shiftTicks
    return isPulled ? others : compared
  }

  function mayShift(): boolean {
    if (expected.format.demuxer === 'mpegts') {
      // Zero is at 1.4 s (twice the `-muxdelay` of 0.7 s), or later where the first decode time would be below that.
      return shiftTicks === TS_ZERO || (shiftTicks > TS_ZERO && startsAt(TS_ZERO))
    }
    if (expected.format.demuxer === 'matroska') {
      // No time can be below zero: all streams move until the earliest is at zero, or below by its codec's delay (Opus).
      if (shiftTicks <= 0n) return false
      const isByDecodeTimes = movesByDecodeTimes(expected) && shiftTicks <= reordering()
      return isByDecodeTimes || tracks.some(({ firstPts }) => firstPts <= 0n)
    }
    // A fragmented file without edit lists cannot start below zero: all streams move.
    if ((shiftTicks > 0n || starts !== 'exact') && startsAt(0n)) return true
    const rounding = editListRounding(timeBase)
    return shiftTicks <= rounding && shiftTicks >= -rounding
  }

  /** The most by which the first decode time lies before the first picture: sixteen pictures, as many as H.264 and HEVC keep. */
  function reordering(): bigint {
    return (wanted[Math.min(REORDERED_MAX, wanted.length - 1)] ?? 0n) - (wanted[0] ?? 0n)
  }

  /** Whether the earliest decode time is this one, in any track's ticks. */
  function startsAt(time: bigint): boolean {
    return (
      tracks.some(({ firstDts }) => firstDts === time) && tracks.every(({ firstDts }) => firstDts >= time)
    )
  }
}

const REORDERED_MAX = 16

/**
 * FFmpeg's Matroska muxer keeps presentation times from falling below zero, unless a track has a codec that Matroska has no
 * name for, such as a cover that is no JPEG: then all tracks move until no decode time does, and those are not in the file.
 */
function movesByDecodeTimes({ plan }: ExpectedOutput): boolean {
  return plan.streams.some(
    ({ action, source: { kind, codec } }) => action === 'copy' && kind === 'video' && codec !== 'mjpeg',
  )
}

// In ticks of 1/90000 s.
const TS_ZERO = 126_000n

/** An edit list says where a track starts, in the film's time scale of 1/1000. */
function editListRounding(timeBase: Rational): bigint {
  return rescale(1n, { num: 1, den: 1_000 }, timeBase)
}

/** Of each kind as many as planned, in their order; a chapter track of mp4 shows up as one more data stream. */
function checkStreams(
  file: Source,
  { format, plan, timeBase, empty, keepsLanguages }: ExpectedOutput,
): Finding[] {
  const findings: Finding[] = []
  const fail = (detail: string) => void findings.push({ code: 'OUTPUT_STREAMS', detail })
  for (const kind of KINDS) {
    const all = plan.streams.filter(({ source }) => source.kind === kind)
    const actual = file.streams.filter((stream) => stream.kind === kind)
    const planned = actual.length < all.length ? all.filter(({ source }) => !empty.has(source.index)) : all
    for (const [place, { source, action }] of planned.entries()) {
      const found = actual[place]
      const what = `${kind} stream ${source.index} of the source (${source.codec})`
      if (found === undefined) fail(`${what} is missing`)
      else if (action === 'copy' && kind === 'audio' && nameIn(found) !== nameIn(source)) {
        fail(`${what} has become ${found.codec}`)
      } else if (keepsLanguages && !speaksTheSame(found, source, format)) {
        fail(`${what}, in ${languageOf(source)}, has become ${languageOf(found)}`)
      }
    }
    if (kind !== 'data' && actual.length > all.length) {
      fail(`there are ${actual.length} ${kind} streams instead of ${all.length}`)
    }
  }
  if (!equalRationals(file.video.timeBase, timeBase)) {
    fail(
      `the video's time base is ${formatRational(file.video.timeBase)} instead of ${formatRational(timeBase)}`,
    )
  }
  return findings
}

/** MPEG-TS has none for some codecs, and mov a list of its own. Codes other than of ISO 639-2 fit nowhere but into Matroska. */
function speaksTheSame(found: SourceStream, source: SourceStream, { muxer }: OutputFormat): boolean {
  if (source.kind !== 'audio' && source.kind !== 'subtitle') return true
  if (muxer === 'mpegts' || muxer === 'mov' || !/^[a-z]{3}$/.test(languageOf(source))) return true
  return languageOf(found) === languageOf(source)
}

function languageOf({ language = 'und' }: SourceStream): string {
  return language
}

/** mp4 has one name for all layers of MPEG audio. */
function nameIn({ codec }: SourceStream): string {
  return codec.replace(/^mp[123](float|adu.*)?$/, 'mpeg audio')
}

const KINDS: readonly StreamKind[] = ['video', 'audio', 'subtitle', 'data', 'attachment']

function audioOf(file: Source): SourceStream[] {
  return file.streams.filter(({ kind }) => kind === 'audio')
}
