/**
 * The certificate of a job: what went in, who made what of it, and what came out, in one JSON document that can be checked
 * again later. docs/report.md describes it to its readers.
 */
import {
  type AudioOffsets,
  type ExpectedOutput,
  type FileDigest,
  formatTimeBase,
  lowerBound,
  type PicturesCompared,
  type SourceStream,
  singleRunArguments,
  summarizeTimes,
  type VerifiedOutput,
} from '../../media/index.ts'
import { SOFTWARE } from '../version.ts'
import type { SegmentChanged } from './events.ts'
import type { Job } from './job.ts'
import { type BlamedFinding, describeBlamed, OutputError } from './output-error.ts'
import type { Timeline } from './timeline.ts'
import type { VerifiedSegment } from './verify-segment.ts'

/** The number changes when a field changes its meaning or goes away, not when one is added. */
export const REPORT_SCHEMA = 'ffswarm-report/1' as const

/** How thoroughly an output is looked at: by its packets' times alone, or by its pictures too. */
export type VerifyLevel = 'times' | 'full'

/** What is known of a job so far; a job that fails has less of it. */
export interface Evidence {
  readonly inputPath: string
  readonly outputPath: string
  readonly params: string | undefined
  readonly level: VerifyLevel
  /** Of the job. */
  id?: string
  /** Of the source, at the job's start. */
  file?: { sizeBytes: number; modified: Date }
  job?: Job
  segments?: readonly VerifiedSegment[]
  expected?: ExpectedOutput
  verified?: VerifiedOutput
  /** Of the finished output. */
  digest?: FileDigest
  /** Where its pictures were looked at. */
  pictures?: PicturesCompared
  /** How many copied streams were compared with the source's. */
  copies?: number
  readonly failedAttempts: SegmentChanged[]
  readonly warnings: string[]
  readonly timeline: Timeline
  /** Milliseconds since 1970, when the job began. */
  readonly begunAt: number
}

export type Report = ReturnType<typeof toReport>

/** @param error why the job failed; undefined: it did not */
export function toReport(evidence: Evidence, error: unknown) {
  const { job, segments = [], level } = evidence
  return {
    schema: REPORT_SCHEMA,
    verdict: error === undefined ? ('exact' as const) : ('failed' as const),
    ...(error === undefined ? {} : { failure: failureOf(error) }),
    software: SOFTWARE,
    begunAt: new Date(evidence.begunAt).toISOString(),
    level,
    source: { path: evidence.inputPath, ...sourceOf(evidence) },
    params: { given: evidence.params ?? null, ...(job === undefined ? {} : paramsOf(job)) },
    ...(job === undefined ? {} : { plan: planOf(job) }),
    singleRun: singleRunOf(evidence),
    nodes: nodesOf(segments),
    segments: segments.map((segment) => segmentOf(segment, evidence)),
    output: { path: evidence.outputPath, ...outputOf(evidence) },
    warnings: evidence.warnings,
    work: evidence.timeline.work(),
  }
}

function failureOf(error: unknown) {
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'INTERNAL'
  const findings = error instanceof OutputError ? error.findings.map(findingOf) : []
  return { code, message, findings }
}

export function findingOf(finding: BlamedFinding) {
  return { ...finding, message: describeBlamed(finding) }
}

function sourceOf({ file, job }: Evidence) {
  if (file === undefined || job === undefined) return {}
  const { source, index, rest } = job
  return {
    sizeBytes: file.sizeBytes,
    modified: file.modified.toISOString(),
    container: source.format,
    streams: source.streams.map(streamOf),
    video: {
      stream: source.video.index,
      codec: source.video.codec,
      width: source.video.width,
      height: source.video.height,
      timeBase: formatTimeBase(index.timeBase),
    },
    // Of a job that failed early there may be but the film's beginning.
    ...(rest === undefined ? { times: { ...timesOf(index.pts), evidence: index.evidence } } : {}),
  }
}

function paramsOf({ params: { encoder, video, filters, trim, audio, subtitle, output } }: Job) {
  const microseconds = (time: bigint | undefined) => (time === undefined ? null : Number(time))
  return {
    ...{ encoder, video, filters: filters.text, audio, subtitle, output },
    startMicroseconds: microseconds(trim.startMicroseconds),
    durationMicroseconds: microseconds(trim.durationMicroseconds),
  }
}

function planOf({ id, film: { pts, timing }, zeroMicroseconds, container }: Job) {
  return {
    job: id,
    timeBase: formatTimeBase(timing.source),
    times: timesOf(pts),
    encoderTimeBase: formatTimeBase(timing.encoder),
    zeroMicroseconds: Number(zeroMicroseconds),
    segmentContainer: container,
  }
}

/** Null before it is known what becomes of each stream. */
function singleRunOf({ job, expected, inputPath, outputPath }: Evidence): string[] | null {
  if (job === undefined || expected === undefined) return null
  const { params, format, film } = job
  const encoderTimeBase = film.timing.encoder
  const plain = { params, format, encoderTimeBase, inputPath, outputPath, plan: expected.plan }
  return ['ffmpeg', ...singleRunArguments(plain)]
}

function nodesOf(segments: readonly VerifiedSegment[]) {
  return [...new Set(segments.map(({ executor }) => executor.peer))].map((peer) => {
    const own = segments.filter(({ executor }) => executor.peer === peer)
    const executor = own[0]?.executor
    return {
      peer,
      name: executor?.name,
      software: executor?.software,
      ffmpeg: executor?.ffmpeg,
      encoders: [...new Set(own.flatMap(({ inspected }) => inspected.encoder ?? []))],
      segments: own.length,
      frames: own.reduce((sum, { task }) => sum + task.frames, 0),
    }
  })
}

function segmentOf({ task, executor, encoded, inspected, event }: VerifiedSegment, evidence: Evidence) {
  const { pts = new BigInt64Array() } = evidence.job?.film ?? {}
  const last = pts[lowerBound(pts, task.lastPts) - 1]
  const seek = task.seekPts[encoded.seekIndex]
  return {
    index: task.index,
    startPts: Number(task.firstPts),
    endPts: Number(task.lastPts),
    firstPts: Number(task.firstPts),
    lastPts: Number(last ?? task.firstPts),
    frames: task.frames,
    digest: task.expected.ptsDigest,
    sizeBytes: encoded.sizeBytes,
    sha256: encoded.sha256,
    parameterSets: inspected.parameterSets,
    encoder: inspected.encoder ?? null,
    peer: executor.peer,
    attempt: event.attempt,
    seek: { place: encoded.seekIndex, pts: seek === undefined ? null : Number(seek) },
    complaints: encoded.complaints,
    failedAttempts: evidence.failedAttempts
      .filter(({ index }) => index === task.index)
      .map(({ attempt, peer, code = null, detail = null }) => ({ attempt, peer, code, detail })),
  }
}

export function picturesOf({ findings: _, ...figures }: PicturesCompared) {
  return figures
}

function outputOf({ job, expected, verified, digest, pictures }: Evidence) {
  if (job === undefined || expected === undefined || verified === undefined) return {}
  const { file, times, shiftTicks, audio, bitRate } = verified
  return {
    sizeBytes: file.sizeBytes,
    ...(digest === undefined ? {} : { sha256: digest.sha256 }),
    container: job.format.muxer,
    video: {
      stream: file.video.index,
      codec: file.video.codec,
      width: file.video.width,
      height: file.video.height,
      timeBase: formatTimeBase(file.video.timeBase),
    },
    expectedTimes: timesOf(expected.times),
    times: timesOf(times),
    bitRate,
    shiftTicks: Number(shiftTicks),
    audio: audio.map(roundedAudio),
    ...(pictures === undefined ? {} : { pictures: picturesOf(pictures) }),
    streams: file.streams.map(streamOf),
  }
}

export function timesOf(list: BigInt64Array) {
  const { count, digest, first, last } = summarizeTimes(list)
  return {
    count,
    digest,
    firstPts: first === undefined ? null : Number(first),
    lastPts: last === undefined ? null : Number(last),
  }
}

function streamOf({ index, kind, codec, language, dispositions }: SourceStream) {
  return { index, kind, codec, language: language ?? null, dispositions }
}

/** Seconds to the microsecond: what is behind it is the noise of floating point. */
export function roundedAudio({ stream, source, codec, packets, start, end }: AudioOffsets) {
  const edge = ({ expectedSeconds, actualSeconds }: AudioOffsets['start']) => ({
    expectedSeconds: Math.round(expectedSeconds * 1e6) / 1e6,
    actualSeconds: Math.round(actualSeconds * 1e6) / 1e6,
  })
  return { stream, source, codec, packets, start: edge(start), end: edge(end) }
}
