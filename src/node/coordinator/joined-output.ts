/** The output made of a job's segments, and looked at before it gets its name. */
import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import {
  describeStreams,
  type FileDescription,
  type Finding,
  type JoinJob,
  joinSegments,
  type LocatedTools,
  MediaError,
  readCapabilities,
  tryJoin,
  verifyOutput,
} from '../../media/index.ts'
import { freeBytes } from '../disk-space.ts'
import type { SwarmNode } from '../node.ts'
import { type ExpectedOthers, expectedOutput } from './expected.ts'
import { JobError } from './failure.ts'
import type { Job } from './job.ts'
import { blame, OutputError } from './output-error.ts'
import type { OutputFile } from './output-file.ts'
import { lookAtOutput, seamsOf } from './pictures.ts'
import type { Evidence } from './report.ts'
import type { EncodeOptions } from './request.ts'
import { checkSegments } from './segment-integrity.ts'
import { pauseForSpace } from './space.ts'
import type { VerifiedSegment } from './verify-segment.ts'

/** Joins them; where the output's disk is full it waits until there is room. @throws MediaError, JobError SEGMENT_CHANGED */
export async function joinOutput(
  node: SwarmNode,
  job: Job,
  segments: readonly VerifiedSegment[],
  output: OutputFile,
  { signal, emit }: Pick<EncodeOptions, 'signal' | 'emit'>,
): Promise<void> {
  const { directory, partialPath } = output
  // Other streams, and what the container takes, show when they are written.
  let bytes = segments.reduce((sum, { encoded }) => sum + encoded.sizeBytes, 0)
  for (;;) {
    if ((await freeBytes(directory)) < bytes) {
      await pauseForSpace({ code: 'OUTPUT_DISK_FULL', directory, bytes }, { signal, emit })
    }
    try {
      await joinOnce(node, job, segments, output, { signal })
      return
    } catch (error) {
      if (!(error instanceof JobError && error.code === 'OUTPUT_DISK_FULL')) throw error
      await truncate(partialPath)
      bytes = Math.max(bytes, (await freeBytes(directory)) + MORE_ROOM_BYTES)
    }
  }
}

/** What was free did not do. */
const MORE_ROOM_BYTES = 2 ** 20

/** @throws MediaError, JobError OUTPUT_DISK_FULL, SEGMENT_CHANGED */
async function joinOnce(
  node: SwarmNode,
  job: Job,
  segments: readonly VerifiedSegment[],
  output: OutputFile,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  const joined = await joinJob(node, job, output.partialPath)
  try {
    await joinSegments(
      node.tools.ffmpeg,
      {
        ...joined,
        segments: segments.map(({ path, task }) => ({
          path,
          firstTick: task.times[0] ?? 0n,
          frames: task.times.length,
        })),
      },
      { signal },
    )
  } catch (error) {
    if (error instanceof MediaError && /No space left on device/.test(error.message)) {
      throw new JobError({ code: 'OUTPUT_DISK_FULL', directory: output.directory }, { cause: error })
    }
    // A segment that cannot be read any more says so better than ffmpeg does.
    await checkSegments(segments, job, { signal })
    throw error
  }
}

/** Options that only the join uses are tried before the work. @throws MediaError PARAMS_REJECTED, or as `planStreams` */
export async function tryJoinOptions(
  node: SwarmNode,
  job: Job,
  options: { signal: AbortSignal; scratchDir: string },
): Promise<void> {
  const { audio, subtitle, output } = job.params
  if (audio.length + subtitle.length + output.length === 0) return
  const joined = await joinJob(node, job, join(options.scratchDir, 'trial-join'))
  await tryJoin(node.tools.ffmpeg, joined, { path: job.firstFramePath, container: job.container }, options)
}

/**
 * What the output of these params says of its streams, read from one of the film's beginning; undefined where ffmpeg makes none.
 */
export async function describeExpected(
  tools: LocatedTools,
  job: Job,
  options: { signal: AbortSignal; scratchDir: string },
): Promise<FileDescription | undefined> {
  const ffmpeg = await readCapabilities(tools.ffmpeg, options)
  const path = join(options.scratchDir, 'expected')
  const joined = await joinJob({ ffmpeg }, job, path)
  const frame = { path: job.firstFramePath, container: job.container }
  try {
    await tryJoin(tools.ffmpeg, joined, frame, { ...options, seconds: SAMPLE_SECONDS })
    return await describeStreams(tools.ffprobe, { path, format: job.format.demuxer }, options)
  } catch (error) {
    if (error instanceof MediaError) return undefined
    throw error
  }
}

/** Enough for a track to show what it is. */
const SAMPLE_SECONDS = 2

async function joinJob(
  { ffmpeg }: Pick<SwarmNode, 'ffmpeg'>,
  job: Job,
  outputPath: string,
): Promise<Omit<JoinJob, 'segments'>> {
  return {
    source: job.source,
    params: job.params,
    plan: await job.streams,
    format: job.format,
    encoderTimeBase: job.film.timing.encoder,
    encoderTag: `${ffmpeg.encoderTag} ${job.params.encoder}`,
    libavcodec: ffmpeg.libavcodec,
    streamTags: await job.streamTags,
    outputPath,
    mixedBuilds: job.mixedBuilds,
  }
}

/** Adds what it found to the evidence. @throws OutputError that names the segment */
export async function verifyJoined(
  { tools }: SwarmNode,
  output: OutputFile,
  others: ExpectedOthers,
  evidence: Evidence,
  signal: AbortSignal,
): Promise<void> {
  const { job, segments = [] } = evidence
  if (job === undefined) throw new Error('there is no job to verify')
  const expected = await expectedOutput(job, others)
  const verified = await verifyOutput(tools.ffprobe, output.partialPath, expected, { signal })
  Object.assign(evidence, { expected, verified })
  const findings: Finding[] = [...verified.findings]
  if (evidence.level === 'full') {
    const look = await lookAtOutput(tools, job, verified, seamsOf(segments.map(({ task }) => task.frames)), {
      signal,
    })
    findings.push(...look.findings)
    Object.assign(evidence, { pictures: look.pictures, copies: look.copies })
  }
  const [finding, ...more] = blame(findings, segments, job)
  if (finding !== undefined) throw new OutputError([finding, ...more])
}
