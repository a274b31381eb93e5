/** What is to be done: the source, its frames and times, the params, and what becomes of its other streams. */
import { randomBytes } from 'node:crypto'
import {
  chooseStreams,
  decodeFrameIndex,
  defaultEncoder,
  type EncodeParams,
  encodeForBoth,
  encoderArguments,
  equalRationals,
  type Film,
  type FilmStart,
  type FrameIndex,
  findClockJump,
  findLosses,
  findSizeChange,
  firstFramePath,
  type IndexReading,
  inBandHeaders,
  inspectFirstFrame,
  isFragmented,
  type KeyframeLook,
  keepDistances,
  type LocatedTools,
  MediaError,
  measureZero,
  type Opening,
  type OutputFormat,
  openFrameIndex,
  outputFormat,
  parseParams,
  planStreams,
  preflight,
  probe,
  readEncoder,
  readFilm,
  readPictureTraits,
  readStreamTags,
  readSyncedFilm,
  readX264Build,
  SEGMENT_CONTAINERS,
  type SegmentContainer,
  type SegmentTask,
  type Source,
  type StreamPlan,
  type StreamTags,
  type SyncedFilm,
  splitParams,
  startWithSource,
  type Tool,
  toEncoderPts,
  trimFilm,
  tryOutput,
  type VideoDescription,
  withoutTag,
} from '../../media/index.ts'
import type { SwarmNode } from '../node.ts'
import type { Build } from './builds.ts'
import { firstIndex, mayStartEarly, patienceFor } from './head-start.ts'
import { findStart, openingOf } from './opening.ts'
import type { FilmPlan, Task } from './plan.ts'
import { segmentInput } from './starts.ts'

export interface Job {
  readonly id: string
  readonly source: Source
  readonly index: FrameIndex
  /** Where the index, and with it the film, is but the beginning: the rest, which is being read. */
  readonly rest: IndexReading | undefined
  /** What a single run subtracts from the source's timestamps. */
  readonly zeroMicroseconds: bigint
  /** See {@link SegmentTask}. */
  readonly x264Build: number | undefined
  readonly film: Film
  /** The film where the user wants another frame rate than the source's. */
  readonly synced: SyncedFilm | undefined
  readonly params: EncodeParams
  readonly container: SegmentContainer
  /** The film's first frame, encoded, in the segments' container; there while the job is prepared. */
  readonly firstFramePath: string
  /** The same in the output's container, as a single run writes it. */
  readonly firstOutput: { readonly path: string; readonly format: string }
  /** How ffmpeg comes to the film's first frame. */
  readonly start: FilmStart
  /** Size and pixel format of all segments. */
  readonly picture: string
  /** How the pictures of all segments are to be shown. */
  readonly description: VideoDescription
  /** How the source's pictures are to be shown, where that has been read. */
  readonly looks: readonly KeyframeLook[] | undefined
  /** Filters that have them shown so whatever the source's later pictures say, behind the user's; usually empty. */
  readonly alike: string
  /** What this node's encoder makes of the params; undefined: it is not known, and the first segment tells. */
  readonly build: Build | undefined
  /** Whether segments of builds with other parameter sets can be used too. */
  readonly mixedBuilds: boolean
  /** Needed for the join alone, like `streams`. */
  readonly streamTags: Promise<StreamTags>
  readonly format: OutputFormat
  /** What becomes of each stream; it is only needed for the join, and its answer is not waited for before. */
  readonly streams: Promise<StreamPlan>
  /** What of the source the output will lack, one sentence each: for the person to read, as early as it is known. */
  readonly losses: Promise<readonly string[]>
}

export interface JobRequest {
  readonly inputPath: string
  /** As of {@link Source.fd}. */
  readonly inputFd?: number | undefined
  readonly outputPath: string
  /** As typed; undefined: ffswarm's default. */
  readonly params: string | undefined
  /** Use nodes whose encoders make other parameter sets, where these can stand in the stream. */
  readonly mixedBuilds?: boolean | undefined
}

export const DEFAULT_PARAMS = '-preset fast'

/** @throws MediaError for an input or params that cannot be encoded. */
export async function prepareJob(
  node: Pick<SwarmNode, 'tools'>,
  request: JobRequest,
  options: { signal: AbortSignal; scratchDir: string; startsEarly?: boolean },
): Promise<Job> {
  const { tools } = node
  const format = outputFormat(request.outputPath)
  const encoder = defaultEncoder(format)
  const text = request.params ?? (encoder === 'libx264' ? DEFAULT_PARAMS : '')
  const probing = probe(tools.ffprobe, request.inputPath, { ...options, fd: request.inputFd })
  // What is wrong with the params is said first.
  probing.catch(() => {})
  const given = await parseParams(splitParams(text), {
    defaultEncoder: encoder,
    ffmpegPath: tools.ffmpeg.path,
    findEncoder: (name) => readEncoder(tools.ffmpeg, name, options),
  })
  if (given.format !== undefined && given.format !== format.muxer) {
    const detail = `the output's name makes it ${format.muxer}; leave -f out, or name the output otherwise with -o`
    throw new MediaError({ code: 'PARAMS_INVALID', option: `-f ${given.format}`, detail })
  }
  if (request.mixedBuilds === true && given.video.some((word) => /^(avc1|hvc1)$/i.test(word))) {
    const detail = 'with it, --mixed-builds cannot write parameter sets into the stream; leave it out'
    throw new MediaError({ code: 'PARAMS_INVALID', option: '-tag:v', detail })
  }
  const source = chooseStreams(await probing, given.streams)
  const video = { path: source.path, fd: source.fd, format: source.format, stream: source.video.index }
  const reading = openFrameIndex(tools, source, options)
  const patience = patienceFor(reading, source, options)
  const [zeroMicroseconds, x264Build] = await Promise.all([
    measureZero(tools.ffmpeg, source, options),
    readX264Build(tools.ffmpeg, source, options),
  ])
  const { index, isWhole } =
    options.startsEarly === true && mayStartEarly(source, given, x264Build)
      ? await firstIndex(reading, patience, options)
      : { index: await reading.whole, isWhole: true }
  if (index.pts.length === 0) {
    const detail = 'its video stream holds no frame'
    throw new MediaError({ code: 'INPUT_UNREADABLE', path: request.inputPath, detail })
  }
  const atSeconds = findClockJump(source.format, index)
  if (atSeconds !== undefined) {
    throw new MediaError({ code: 'INPUT_CLOCK_JUMPS', path: request.inputPath, atSeconds })
  }
  const typed = await withRestarts(tools, source, index, given, options)
  // Only the output itself is asked whether it takes the name.
  const params = format.demuxer === 'mov' ? typed : withoutTag(typed)
  const { film, synced } = await filmOf(
    tools.ffmpeg,
    { source, index, params, format, zeroMicroseconds },
    options,
  )
  refuseHidden(film, format, params)
  const start = await findStart(
    tools,
    { source, index, film, synced, params, format, zeroMicroseconds, x264Build },
    options,
  )
  const opening = { source, params, encoderTimeBase: film.timing.encoder, start }
  // A segment is such an output already where the container is the same and has no options.
  const isAlike = format.muxer === SEGMENT_CONTAINERS[0] && params.output.length === 0
  const ofOutput = { ...opening, params: typed }
  const isWritten =
    !isAlike && (await encodeForBoth(tools.ffmpeg, { ofSegment: opening, ofOutput }, format, options))
  const trying = isAlike ? undefined : tryOutput(tools, ofOutput, format, { ...options, isWritten })
  trying?.catch(() => {})
  // What ffmpeg says of the params themselves comes first.
  const container = isWritten ? SEGMENT_CONTAINERS[0] : await preflight(tools.ffmpeg, opening, options)
  const framePath = firstFramePath(container, options)
  const inspecting = inspectFirstFrame(tools, opening, container, options)
  inspecting.catch(() => {})
  const outputPath =
    (await trying) ??
    (container === format.muxer ? framePath : await tryOutput(tools, ofOutput, format, options))
  const build = await inspecting
  const streams = planStreams(tools.ffmpeg, source, params, format, options)
  streams.catch(() => {})
  const streamTags = streamTagsOf(tools, opening, { format, container }, options)
  const ofSource = { ...opening, start: startWithSource(source, params) }
  const losses = Promise.all([
    readPictureTraits(tools.ffprobe, video, options).then((traits) =>
      findLosses(tools, { opening: ofSource, traits, format }, options),
    ),
    streams,
  ]).then(([ofPictures, { warnings }]) => [...ofPictures, ...warnings])
  losses.catch(() => {})
  return {
    id: randomBytes(8).toString('hex'),
    source,
    index,
    rest: isWhole ? undefined : reading,
    zeroMicroseconds,
    x264Build,
    film,
    synced,
    params,
    container,
    firstFramePath: framePath,
    firstOutput: { path: outputPath, format: format.demuxer },
    start,
    picture: build.picture,
    description: build.description,
    looks: undefined,
    alike: '',
    build,
    mixedBuilds: request.mixedBuilds === true && inBandHeaders(params.encoder) !== 'never',
    streamTags,
    format,
    streams,
    losses,
  }
}

function refuseHidden(film: Film, format: OutputFormat, params: EncodeParams): void {
  // A fragmented file has no edit list to hide anything.
  const hides = format.demuxer === 'mov' && !isFragmented(format, params)
  if (!hides || toEncoderPts(film.pts.at(-1) ?? 0n, film.timing) >= 0n) return
  const detail = `move all frames below zero, where ${format.name} does not show them; add setpts=PTS-STARTPTS behind them`
  throw new MediaError({ code: 'FILM_TIMES', detail })
}

function streamTagsOf(
  tools: LocatedTools,
  opening: Opening,
  { format, container }: Pick<Job, 'format' | 'container'>,
  options: { signal?: AbortSignal; scratchDir: string },
): Promise<StreamTags> {
  const reading = readStreamTags(tools, opening, options).then((tags) =>
    // mp4 and mov are told the rest by their own muxers, as in a single run.
    format.demuxer === 'matroska' || container === 'mov' ? tags : { ...tags, options: [] },
  )
  reading.catch(() => {})
  return reading
}

/**
 * The params, with filters that start anew where the pictures' size changes taken for what they are then: what they make of the
 * film must be asked of ffmpeg, from its start.
 */
async function withRestarts(
  tools: LocatedTools,
  source: Source,
  index: FrameIndex,
  params: EncodeParams,
  options: { signal: AbortSignal },
): Promise<EncodeParams> {
  const { filters, sync } = params
  if (filters.history === 0 && sync === undefined) return params
  const atSeconds = await findSizeChange(tools, source, index, options)
  if (atSeconds === undefined) return params
  if (sync !== undefined) throw new MediaError({ code: 'INPUT_SIZE_CHANGES', path: source.path, atSeconds })
  return { ...params, filters: { ...filters, history: 'all', times: 'changed' } }
}

/** The job with the times of a full decode, where the packets turned out not to tell the frames. */
export async function withDecodedIndex(
  { tools }: Pick<SwarmNode, 'tools'>,
  job: Job,
  options: { signal?: AbortSignal; scratchDir: string },
): Promise<Job> {
  const { index } = await withWholeIndex({ tools }, job, options)
  const decoded = await decodeFrameIndex(tools.ffmpeg, job.source, index, options)
  return await withIndex({ tools }, job, decoded, options)
}

/** The job that knows all of its film. */
export async function withWholeIndex(
  { tools }: Pick<SwarmNode, 'tools'>,
  job: Job,
  options: { signal?: AbortSignal; scratchDir: string },
): Promise<Job> {
  if (job.rest === undefined) return job
  return await withIndex({ tools }, job, await job.rest.whole, options)
}

async function withIndex(
  { tools }: Pick<SwarmNode, 'tools'>,
  job: Job,
  index: FrameIndex,
  options: { signal?: AbortSignal; scratchDir: string },
): Promise<Job> {
  const times = await filmOf(tools.ffmpeg, { ...job, index }, options)
  refuseHidden(times.film, job.format, job.params)
  const changed = { ...job, index, rest: undefined, ...times }
  if (equalRationals(job.film.timing.encoder, times.film.timing.encoder)) return changed
  // Headers may hold the time base.
  return {
    ...changed,
    build: undefined,
    streamTags: streamTagsOf(tools, openingOf(changed), changed, options),
  }
}

/** The job with a longer beginning of its film. */
export function withHead(job: Job, index: FrameIndex): Job {
  return { ...job, index, film: { ...job.film, pts: index.pts, untrimmed: index.pts } }
}

async function filmOf(
  ffmpeg: Tool,
  {
    source,
    index,
    params,
    format,
    zeroMicroseconds,
  }: Pick<Job, 'source' | 'index' | 'params' | 'format' | 'zeroMicroseconds'>,
  options: { signal?: AbortSignal; scratchDir: string },
): Promise<Pick<Job, 'film' | 'synced'>> {
  const whole = await readFilm(ffmpeg, source, index, params.filters, zeroMicroseconds, options)
  const film = trimFilm(whole, params.trim)
  if (film.pts.length > 0) {
    if (params.sync === undefined) {
      return { film: { ...film, timing: keepDistances(film.timing, film.pts) }, synced: undefined }
    }
    const synced = await readSyncedFilm(ffmpeg, source, { params, format }, film, options)
    return { film: synced, synced }
  }
  const detail = `it leaves nothing of the film, which has ${whole.pts.length} frames`
  const option = params.trim.startMicroseconds === undefined ? '-t' : '-ss'
  throw new MediaError({ code: 'PARAMS_INVALID', option, detail })
}

/** A task as the encoder needs it. */
export function segmentTask(job: Job, task: Task): SegmentTask {
  return {
    startPts: task.startPts,
    endPts: task.endPts,
    filtered: task.filtered,
    seekPts: task.seekPts,
    expected: { ...task.expected, picture: job.picture },
    ...segmentInput(job),
    encoderTimeBase: job.film.timing.encoder,
    // Retimed frames have the output's times already.
    startMicroseconds:
      job.synced?.isConstant === false
        ? job.synced.from.timing.startMicroseconds
        : job.film.timing.startMicroseconds,
    video: [
      ...encoderArguments({ video: job.params.video, forcedKeyframes: task.forcedKeyframes }),
      ...chromaArguments(job),
    ],
    filters: [job.params.filters.text, job.alike].filter((part) => part !== '').join(','),
    retiming: task.retiming,
    container: job.container,
    inBandHeaders: job.mixedBuilds && inBandHeaders(job.params.encoder) === 'added',
  }
}

/** Chroma samples lie where the first picture says they do; no filter sets that. */
function chromaArguments({ alike, description, params: { video } }: Job): string[] {
  const told = description.get('chroma_location')
  const isSet = video.some((word) => word.startsWith('-chroma_sample_location'))
  return alike === '' || isSet || told === undefined || told === 'unspecified'
    ? []
    : ['-chroma_sample_location', told]
}

/** What the plan of segments goes by. */
export function filmPlan({ index, film, synced, params, zeroMicroseconds }: Job): FilmPlan {
  const { filters: chain, forcedKeyframes } = params
  return { index, film, synced, zeroMicroseconds, chain, forcedKeyframes }
}
