/**
 * Joins the segments' video with the source's other streams, chapters and metadata into one file, exact to the tick.
 */
import { writeFile } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { mayHaveAdtsHeaders, WITHOUT_ADTS_HEADERS } from './adts.ts'
import { type Lateness, laterBy, readLateness } from './coarse-sound.ts'
import { MediaError, mediaErrorOf } from './failure.ts'
import { fileAccess, run, type Tool } from './ffmpeg/index.ts'
import { alsoInUse } from './frame-times.ts'
import { type JoinTrim, planTrim } from './join-trim.ts'
import { writeDefaultDuration } from './matroska-rate.ts'
import { type OutputFormat, outputTimeBase } from './output-format.ts'
import { type EncodeParams, keepsMetadata } from './params/index.ts'
import type { StreamTags } from './preflight.ts'
import { fileUrl, type Source } from './probe.ts'
import {
  divideRounded,
  equalRationals,
  formatMicroseconds,
  formatRational,
  MICROSECONDS,
  type Rational,
  rescale,
} from './rational.ts'
import { type LastFrame, readLastFrame } from './segment/last-frame.ts'
import { SEGMENT_SHIFT_SECONDS, type SegmentContainer, segmentTimeScale } from './segment/task.ts'
import { codecArguments, type PlannedStream, type StreamPlan, strictness } from './stream-plan.ts'
import { isFragmented } from './track-starts.ts'

export interface JoinSegment {
  /** All segments lie in one directory. */
  readonly path: string
  /** Time of its first frame in ticks of the segment's time scale, shift included. */
  readonly firstTick: bigint
  readonly frames: number
}

export interface JoinJob {
  readonly source: Source
  readonly params: EncodeParams
  readonly plan: StreamPlan
  readonly format: OutputFormat
  readonly encoderTimeBase: Rational
  /** In presentation order; at least one. */
  readonly segments: readonly JoinSegment[]
  /** What a single run writes as the video's `encoder` tag, such as `Lavc59.37.100 libx264`. */
  readonly encoderTag: string
  /** As `FFmpegCapabilities` has it. */
  readonly libavcodec: number
  /** As `readStreamTags` gives them. */
  readonly streamTags: StreamTags
  readonly outputPath: string
  /** The parameter sets change from segment to segment, and stand at its keyframes. */
  readonly mixedBuilds?: boolean
}

/** @throws MediaError TOOL_EXIT in ffmpeg's own words. */
export async function joinSegments(
  ffmpeg: Tool,
  job: JoinJob,
  options: { signal?: AbortSignal; onSeconds?(seconds: number): void } = {},
): Promise<void> {
  const first = job.segments[0]
  const last = job.segments.at(-1)
  if (first === undefined || last === undefined) throw new RangeError('a join needs at least one segment')
  const listPath = join(dirname(first.path), 'segments.ffconcat')
  await writeFile(listPath, concatList(job.segments, segmentTimeScale(job.encoderTimeBase)))
  const segments = segmentsInput(job, listPath)
  const video = await roundedInput(
    ffmpeg,
    job,
    segments,
    join(dirname(first.path), `video${extname(first.path)}`),
    options,
  )
  const lastFrame = await readLastFrame(last.path)
  const { source, params, plan, format } = job
  const sound = { source, params, streams: plan.streams, format }
  const trim = await planTrim(ffmpeg, sound, dirname(first.path), options)
  const lateness = await readLateness(
    ffmpeg,
    { ...sound, libavcodec: job.libavcodec },
    dirname(first.path),
    options,
  )
  await run(ffmpeg, joinArguments(job, video, trim, { lastFrame, lateness }), {
    signal: options.signal,
    // The list and all that it names, and what the video was written into.
    access: fileAccess([source, { path: dirname(first.path) }], [job.outputPath]),
    onLine(line) {
      const microseconds = /^out_time_us=(\d+)$/.exec(line)?.[1]
      if (microseconds !== undefined) options.onSeconds?.(Number(microseconds) / 1e6)
    },
  })
  if (job.format.demuxer === 'matroska') {
    await writeDefaultDuration(job.outputPath, videoTrack(job.plan), job.streamTags.frameNanoseconds)
  }
}

/**
 * Writes the beginning of the output's container, with a first encoded frame as the whole film: what the join would refuse is
 * refused before the work.
 *
 * @param options.seconds how much of the other streams; nothing of them makes a file that need not be readable
 * @throws MediaError PARAMS_REJECTED in ffmpeg's own words.
 */
export async function tryJoin(
  ffmpeg: Tool,
  job: Omit<JoinJob, 'segments'>,
  frame: { path: string; container: SegmentContainer },
  { seconds = 0, ...options }: { signal?: AbortSignal; seconds?: number } = {},
): Promise<void> {
  const firstTick = BigInt(SEGMENT_SHIFT_SECONDS * segmentTimeScale(job.encoderTimeBase))
  const segments = [{ path: frame.path, firstTick, frames: 1 }]
  const video = {
    arguments: ['-f', frame.container, '-i', fileUrl(frame.path)],
    ticks: segmentTicks(job.encoderTimeBase),
  }
  const { params, format, plan } = job
  const sound = { source: job.source, params, streams: plan.streams, format }
  const trim = await planTrim(ffmpeg, sound, dirname(frame.path), options)
  const header = { ...trim, outputOptions: [...trim.outputOptions, '-t', `${seconds}`] }
  const cause = await mediaErrorOf(
    run(ffmpeg, joinArguments({ ...job, segments }, video, header, {}), {
      ...options,
      access: fileAccess([job.source, { path: frame.path }, ...trim.reads], [job.outputPath]),
    }),
  )
  if (cause !== undefined) throw new MediaError({ code: 'PARAMS_REJECTED', detail: cause.words }, { cause })
}

/** Its place among the tracks: Matroska keeps attachments elsewhere. */
function videoTrack({ streams }: StreamPlan): number {
  return streams
    .filter(({ source }) => source.kind !== 'attachment')
    .findIndex(({ action }) => action === 'segments')
}

/**
 * The concat demuxer moves each file to where the durations before it add up to, in microseconds. Durations that are
 * differences of the *rounded* first times make that move the same number for every file, so it adds no rounding of
 * its own between them.
 */
export function concatList(segments: readonly JoinSegment[], timeScale: number): string {
  const lines = segments.flatMap(({ path, firstTick }, place) => {
    const next = segments[place + 1]
    const length =
      next === undefined
        ? []
        : [`duration ${formatMicroseconds(toMicroseconds(next.firstTick) - toMicroseconds(firstTick))}`]
    return [`file '${basename(path)}'`, ...length]
  })
  return ['ffconcat version 1.0', ...lines, ''].join('\n')

  function toMicroseconds(ticks: bigint): bigint {
    return divideRounded(ticks * 1_000_000n, BigInt(timeScale))
  }
}

/** The whole video as an input of ffmpeg, and the ticks of its times. */
interface VideoInput {
  readonly arguments: readonly string[]
  readonly ticks: Rational
}

function segmentsInput(job: JoinJob, listPath: string): VideoInput {
  return {
    arguments: ['-f', 'concat', '-safe', '0', '-i', fileUrl(listPath)],
    ticks: segmentTicks(job.encoderTimeBase),
  }
}

function segmentTicks(encoderTimeBase: Rational): Rational {
  return { num: 1, den: segmentTimeScale(encoderTimeBase) }
}

/**
 * The join takes `-ss` away from all times in the output's ticks or in the input's, as the version and the order of
 * packets have it. It is exact where both are the same or `-ss` is whole in both; otherwise the video is brought into the
 * output's ticks before.
 */
async function roundedInput(
  ffmpeg: Tool,
  job: JoinJob,
  video: VideoInput,
  path: string,
  options: { signal?: AbortSignal | undefined },
): Promise<VideoInput> {
  const ticks = outputTimeBase(job.format, job.encoderTimeBase)
  const start = job.params.trim.startMicroseconds ?? 0n
  const isWhole = isWholeIn(ticks, start) && isWholeIn(video.ticks, start)
  if (isWhole || equalRationals(ticks, video.ticks)) return video
  // Far from zero, so that no decode time falls below it.
  const shifted = firstMicroseconds(job, video.ticks) + BigInt(SEGMENT_SHIFT_SECONDS) * 1_000_000n
  await run(
    ffmpeg,
    [
      ...['-v', 'error', '-nostdin', '-y', '-itsoffset', formatMicroseconds(shifted), ...video.arguments],
      ...['-map', '0:v:0', '-c', 'copy', '-video_track_timescale', `${ticks.den}`],
      ...['-movie_timescale', `${ticks.den}`, '-f', extname(path).slice(1), fileUrl(path)],
    ],
    { ...options, access: fileAccess([{ path: dirname(path) }], [path]) },
  )
  return { arguments: ['-f', 'mov', '-i', fileUrl(path)], ticks }
}

function isWholeIn({ num, den }: Rational, microseconds: bigint): boolean {
  return (microseconds * BigInt(den)) % (BigInt(num) * 1_000_000n) === 0n
}

/** The time of the first frame, to the tick. */
function firstMicroseconds({ segments, encoderTimeBase }: JoinJob, ticks: Rational, later = 0n): bigint {
  const timeScale = segmentTimeScale(encoderTimeBase)
  const first = (segments[0]?.firstTick ?? 0n) - BigInt(SEGMENT_SHIFT_SECONDS * timeScale)
  return rescale(rescale(first, { num: 1, den: timeScale }, ticks) + later, ticks, MICROSECONDS)
}

function joinArguments(
  job: JoinJob,
  video: VideoInput,
  trim: JoinTrim,
  { lastFrame, lateness }: { lastFrame?: LastFrame | undefined; lateness?: Lateness },
): string[] {
  const { source, plan, params, format } = job
  // What `-ss` takes away again.
  const trimmed = rescale(params.trim.startMicroseconds ?? 0n, MICROSECONDS, video.ticks)
  const start = firstMicroseconds(job, video.ticks, trimmed) + trim.laterSeconds * 1_000_000n
  const soundInput = trim.chapters.length === 0 ? 2 : 3
  return [
    ...['-v', 'error', '-nostdin', '-y', '-nostats', '-progress', 'pipe:1', '-stats_period', '0.5'],
    ...[...trim.sourceOptions, '-f', source.format, '-i', fileUrl(source.path)],
    ...['-itsoffset', formatMicroseconds(start), ...video.arguments],
    ...trim.chapters,
    ...(trim.readsSoundAgain ? ['-f', source.format, '-i', fileUrl(source.path)] : []),
    ...plan.streams.flatMap((planned) => ['-map', inputOf(planned)]),
    ...codecArguments(
      plan.streams.map((stream) => (stream.action === 'segments' ? { ...stream, action: 'copy' } : stream)),
      params,
    ),
    ...trim.outputOptions,
    ...streamTagArguments(job),
    ...packetFilters(job, trim, lastFrame),
    ...audioPacketFilters(job, lateness),
    ...subtitlePacketFilters(job, trim),
    ...metadataArguments(job),
    ...strictness(params),
    ...params.output,
    ...(trim.chapters.length === 0 ? [] : ['-map_chapters', '2']),
    ...(format.demuxer === 'mov'
      ? ['-video_track_timescale', `${segmentTimeScale(job.encoderTimeBase)}`]
      : []),
    ...sampleEntryTag(job),
    ...['-f', format.muxer, fileUrl(job.outputPath)],
    ...alsoInUse(
      trim.readsSoundAgain ? plan.streams.map((planned) => planned.source) : [source.video],
      trim.readsSoundAgain ? [0, soundInput] : [0],
    ),
  ]

  function inputOf({ action, source: { kind, index } }: PlannedStream): string {
    if (action === 'segments') return '1:v:0'
    const isAgain = trim.readsSoundAgain && action === 'encode' && kind === 'audio'
    return `${isAgain ? soundInput : 0}:${index}`
  }
}

/** Bitstream filters of the joined video. */
function packetFilters(job: JoinJob, trim: JoinTrim, lastFrame: LastFrame | undefined): string[] {
  const later = `round(${trim.laterSeconds}/${filterTick(job)})`
  const times = trim.laterSeconds === 0n ? ['pts=PTS', 'dts=DTS'] : [`pts=PTS-${later}`, `dts=DTS-${later}`]
  const duration = packetDuration(job, lastFrame)
  const changes = trim.laterSeconds > 0n || duration !== undefined
  const filters = [
    ...(needsInBandHeaders(job) ? ['dump_extra'] : []),
    ...(changes
      ? [`setts=${[...times, ...(duration === undefined ? [] : [`duration=${duration}`])].join(':')}`]
      : []),
  ]
  const video = job.plan.streams.findIndex(({ action }) => action === 'segments')
  return filters.length === 0 ? [] : [`-bsf:${video}`, filters.join(',')]
}

/** Bitstream filters of copied sound. */
function audioPacketFilters({ format, params, plan }: JoinJob, lateness?: Lateness): string[] {
  return plan.streams.flatMap(({ action, source }, place) => {
    if (action !== 'copy') return []
    const late = lateness?.get(source.index)
    const filters = [
      // FFmpeg itself takes these headers off for mp4 and mov, unless they are fragmented.
      ...(isFragmented(format, params) && mayHaveAdtsHeaders(source) ? [WITHOUT_ADTS_HEADERS] : []),
      ...(late === undefined ? [] : [laterBy(late, format.demuxer)]),
    ]
    return filters.length === 0 ? [] : [`-bsf:${place}`, filters.join(',')]
  })
}

/**
 * Where the part's end is left to other means, FFmpeg ends copied streams by the source's, but not subtitles that it encodes: those
 * that begin behind it are left out.
 */
function subtitlePacketFilters({ libavcodec, format, params, plan }: JoinJob, trim: JoinTrim): string[] {
  const { startMicroseconds = 0n, durationMicroseconds } = params.trim
  if (trim.laterSeconds === 0n || durationMicroseconds === undefined) return []
  // Subtitles come in microseconds, and mov keeps them.
  const tick = libavcodec < 60 && format.demuxer === 'matroska' ? '(1/1000)' : 'tb'
  // FFmpeg 7 does not take `-ss` away from them.
  const end = durationMicroseconds + (libavcodec < 61 ? 0n : startMicroseconds)
  const isBehind = `gte(pts*${tick}\\,${formatMicroseconds(end)})`
  return plan.streams.flatMap(({ action, source: { kind } }, place) =>
    action === 'encode' && kind === 'subtitle' ? [`-bsf:${place}`, `noise=drop=${isBehind}`] : [],
  )
}

/** In MPEG-TS every keyframe has the headers before it; where it needs them, FFmpeg does so for H.264 and HEVC alone. */
function needsInBandHeaders({ format, params }: JoinJob): boolean {
  return format.muxer === 'mpegts' && /^(mpeg4|libxvid)$/.test(params.encoder)
}

/** ISO/IEC 14496-15: with `avc1` and `hvc1` the parameter sets stand beside the stream alone. */
function sampleEntryTag({ format, params, plan, mixedBuilds }: JoinJob): string[] {
  // m4v takes no other name than `avc1`.
  if (mixedBuilds !== true || format.demuxer !== 'mov' || format.muxer === 'ipod') return []
  const tag = /264/.test(params.encoder)
    ? 'avc3'
    : /265|hevc|kvazaar/.test(params.encoder)
      ? 'hev1'
      : undefined
  const video = plan.streams.findIndex(({ action }) => action === 'segments')
  return tag === undefined ? [] : [`-tag:${video}`, tag]
}

function streamTagArguments({ plan, streamTags }: JoinJob): string[] {
  const video = plan.streams.findIndex(({ action }) => action === 'segments')
  return streamTags.options.map((word) => (word.startsWith('-') ? `${word}:${video}` : word))
}

/**
 * Packets come from the encoder with a frame's nominal duration, the last with its own. Segments lose it: FFmpeg's
 * demuxer takes the distance of decode times instead, or nothing where the edit list moves them past the track's length.
 * With `-r` the last frame lasts as long as the others, also where its segment was made of frames that kept their times.
 */
function packetDuration(job: JoinJob, lastFrame: LastFrame | undefined): string | undefined {
  const { segments, streamTags, encoderTimeBase, params } = job
  if (streamTags.frameNanoseconds === undefined || lastFrame === undefined) return undefined
  const nominal = `${streamTags.frameNanoseconds}/1000000000`
  if (params.sync?.setsRate === true) return `round(${nominal}/${filterTick(job)})`
  const lastPacket = segments.reduce((sum, { frames }) => sum + frames, 0) - 1
  const isLast = `eq(N\\,${lastPacket - lastFrame.packetsAfter})+eq(N\\,${lastPacket})`
  const last = `${lastFrame.duration}/${segmentTimeScale(encoderTimeBase)}`
  return `round(if(${isLast}\\,${last}\\,${nominal})/${filterTick(job)})`
}

/** FFmpeg 5 tells its bitstream filters the input's time base and gives them packets in the output's. */
function filterTick({ libavcodec, format, encoderTimeBase }: JoinJob): string {
  return libavcodec < 60 ? `(${formatRational(outputTimeBase(format, encoderTimeBase))})` : 'TB'
}

/**
 * The video's tags and dispositions come from the source too. Naming one stream turns ffmpeg's automatic copying off
 * for all, so each is named.
 */
function metadataArguments({ plan, encoderTag, params }: JoinJob): string[] {
  const isKept = keepsMetadata(params)
  const isManual = params.output.some((word) => /^-disposition(:|$)/.test(word))
  return plan.streams.flatMap((planned, place) => [
    ...(isKept ? [`-map_metadata:s:${place}`, `0:s:${planned.source.index}`] : []),
    ...(planned.action === 'segments' ? [`-metadata:s:${place}`, `encoder=${encoderTag}`] : []),
    // Otherwise the source's encoder would stand there for what was encoded just now.
    ...(isKept && planned.action === 'encode' ? [`-metadata:s:${place}`, 'encoder='] : []),
    ...[`-disposition:${place}`, dispositionsOf(planned, plan, isManual).join('+') || '0'],
  ])
}

/**
 * The source's dispositions, and ffmpeg's own addition: of several streams of a type, the first becomes the default
 * where none is. It adds nothing where the user names any dispositions.
 */
function dispositionsOf(planned: PlannedStream, plan: StreamPlan, isManual: boolean): readonly string[] {
  const { source } = planned
  if (isManual) return source.dispositions
  const alike = plan.streams.filter((stream) => stream.source.kind === source.kind)
  const candidates = alike.filter((stream) => !stream.source.dispositions.includes('attached_pic'))
  const lacksDefault = !alike.some((stream) => stream.source.dispositions.includes('default'))
  // A stream may be chosen twice.
  const becomesDefault = alike.length > 1 && lacksDefault && candidates[0] === planned
  return becomesDefault ? [...source.dispositions, 'default'] : source.dispositions
}
