/** A whole job in this process and without a network: prepare, cut, encode, join, check, with the program's own parts. */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import {
  describeVideo,
  encodeSegment,
  expectAudio,
  fileUrl,
  type JoinSegment,
  joinSegments,
  keepsLanguages,
  MediaError,
  outputFormat,
  outputTimeBase,
  planStreams,
  readEmptyStreams,
  type StreamPlan,
  splitParams,
  toOutputTimes,
  trackStarts,
  verifyOutput,
} from '../../src/media/index.ts'
import {
  filmPlan,
  type Job,
  type JobRequest,
  prepareJob,
  segmentTask,
  withDecodedIndex,
} from '../../src/node/coordinator/job.ts'
import { SegmentPlan } from '../../src/node/coordinator/plan.ts'
import { checkStarts, decodedFromStart } from '../../src/node/coordinator/starts.ts'
import { capabilities, ffmpeg, tools } from './ffmpeg.ts'

export interface Cuts {
  /** Lengths of the segments in frames, in turn and again from the first; or what they are in a film of so many frames. */
  readonly lengths: readonly number[] | ((frames: number) => readonly number[])
  readonly atKeyframes: boolean
}

export interface EncodedJob {
  readonly job: Job
  readonly segments: readonly JoinSegment[]
}

/** Encodes a file's video segment by segment into `directory`, which is made. */
export async function encodeSegments(
  inputPath: string,
  params: string,
  cuts: Cuts,
  directory: string,
  outputPath = 'out.mkv',
): Promise<EncodedJob> {
  await mkdir(directory, { recursive: true })
  const asked = await preparedJob({ inputPath, outputPath, params }, directory)
  const job = (await checkStarts(tools.ffmpeg, asked)) ? asked : decodedFromStart(asked)
  // As the coordinator does when the packets turn out not to tell the frames.
  try {
    return { job, segments: await encodeAll(job, cuts, directory) }
  } catch (error) {
    const inDoubt = error instanceof MediaError && error.code === 'SEGMENT_FRAMES'
    if (!inDoubt || job.index.evidence === 'decoded') throw error
  }
  const decoded = await withDecodedIndex({ tools }, job, { scratchDir: directory })
  return { job: decoded, segments: await encodeAll(decoded, cuts, directory) }
}

const prepared = new Map<string, Promise<Job>>()

/** A job as `encode` prepares it: once for the same words, for the same film cut elsewhere is the same job. */
export function preparedJob(request: JobRequest, scratchDir: string): Promise<Job> {
  const key = `${request.inputPath} ${request.params} ${request.outputPath}`
  const known = prepared.get(key)
  if (known !== undefined) return known
  const preparing = prepareJob({ tools }, request, { signal: new AbortController().signal, scratchDir })
  prepared.set(key, preparing)
  return preparing
}

async function encodeAll(job: Job, cuts: Cuts, directory: string): Promise<JoinSegment[]> {
  const plan = new SegmentPlan(filmPlan(job), { atKeyframes: cuts.atKeyframes })
  const segments: JoinSegment[] = []
  const end = plan.totalFrames
  const lengths = typeof cuts.lengths === 'function' ? cuts.lengths(end) : cuts.lengths
  for (let [place, first] = [0, 0]; first < end; place++) {
    const task = plan.carve({ first, end }, lengths[place % lengths.length] ?? 1)
    first += task.frames
    const path = join(directory, `segment-${task.index}.${job.container}`)
    await encodeSegment(
      tools,
      segmentTask(job, task),
      { inputUrl: fileUrl(job.source.path), outputPath: path },
      { libavcodec: capabilities.libavcodec },
    )
    segments.push({ path, firstTick: task.times[0] ?? 0n, frames: task.times.length })
  }
  return segments
}

/** Joins the segments into a file whose name says its container, and has the program check it. */
export async function joinTo(outputPath: string, { job, segments }: EncodedJob): Promise<StreamPlan> {
  const format = outputFormat(outputPath)
  const plan =
    format.muxer === job.format.muxer
      ? await job.streams
      : await planStreams(tools.ffmpeg, job.source, job.params, format, { scratchDir: dirname(outputPath) })
  await joinSegments(tools.ffmpeg, {
    source: job.source,
    params: job.params,
    plan,
    format,
    encoderTimeBase: job.film.timing.encoder,
    segments,
    encoderTag: `${capabilities.encoderTag} ${job.params.encoder}`,
    libavcodec: capabilities.libavcodec,
    streamTags: await job.streamTags,
    outputPath,
  })
  const timeBase = outputTimeBase(format, job.film.timing.encoder)
  const times = toOutputTimes(job.film.pts, job.film.timing, timeBase)
  const { source, params, zeroMicroseconds } = job
  const audio = await expectAudio(tools, {
    ...{ source, plan, params, format, zeroMicroseconds },
    paramsKnown: true,
  })
  const { findings } = await verifyOutput(tools.ffprobe, outputPath, {
    ...{ format, plan, timeBase, times, audio },
    empty: await readEmptyStreams(tools.ffmpeg, { source, plan, params }),
    starts: trackStarts(format, params),
    keepsLanguages: keepsLanguages(params),
    video:
      format.muxer === job.format.muxer
        ? await describeVideo(tools.ffprobe, { ...job.firstOutput, stream: 0 })
        : undefined,
  })
  expect(findings).toEqual([])
  return plan
}

export interface SingleRun {
  readonly plan: StreamPlan
  readonly params: string
  /** The encoder's time base: one frame of a constant-rate source, `-1` for the source's own. */
  readonly grid: string
}

/** What one ffmpeg makes of the file: every source frame at its own time. */
export async function singleRun(
  inputPath: string,
  outputPath: string,
  { plan, params, grid }: SingleRun,
): Promise<void> {
  const others = plan.streams.flatMap(({ action, codec }, place) =>
    action === 'copy' ? [`-c:${place}`, 'copy'] : codec === undefined ? [] : [`-c:${place}`, codec],
  )
  await ffmpeg(
    ...['-i', `file:${inputPath}`],
    ...(params.includes('-map 0') ? [] : plan.streams.flatMap(({ source }) => ['-map', `0:${source.index}`])),
    // Filters are for the film alone, which comes before its cover.
    ...splitParams(params).map((word) => (word === '-vf' ? '-filter:v:0' : word)),
    ...others,
    // FFmpeg does so by itself in mp4, unless it is fragmented.
    ...(/frag_keyframe/.test(params) && /\.ts$/.test(inputPath) ? aacHeadersOff(plan) : []),
    // A frame rate that the params ask for is left to ffmpeg.
    ...(asksForRate(params) ? [] : ['-fps_mode:v', 'passthrough', '-enc_time_base:v', grid]),
    `file:${outputPath}`,
  )
}

function aacHeadersOff({ streams }: StreamPlan): string[] {
  return streams.flatMap(({ action, source: { codec } }, place) =>
    action === 'copy' && codec === 'aac' ? [`-bsf:${place}`, 'aac_adtstoasc'] : [],
  )
}

/** Whether it is ffmpeg that chooses the frames, by its own rules and those of the container. */
export function asksForRate(params: string): boolean {
  return /(^| )-(r|fps_mode|vsync)[ :]/.test(params)
}
