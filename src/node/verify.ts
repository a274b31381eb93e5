/** Verifies any file against the source that it was made of, later and whoever made it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  allEnded,
  compareChapters,
  compareStreams,
  describeStreams,
  digestFile,
  type Finding,
  type LocatedTools,
  locateTools,
  probe,
  ptsDigest,
  type Rational,
  type VerifiedOutput,
  verifyOutput,
} from '../media/index.ts'
import { expectedOthers, expectedOutput } from './coordinator/expected.ts'
import { type Job, prepareJob, withDecodedIndex } from './coordinator/job.ts'
import { describeExpected } from './coordinator/joined-output.ts'
import { shownAsMade } from './coordinator/opening.ts'
import { type Look, lookAtOutput, seamsOf } from './coordinator/pictures.ts'
import { type ReportClaims, readClaims } from './coordinator/read-report.ts'
import { findingOf, picturesOf, roundedAudio, timesOf, type VerifyLevel } from './coordinator/report.ts'
import { createDataDir } from './data-dir.ts'
import type { Surroundings } from './node.ts'

export interface VerifyRequest {
  readonly outputPath: string
  readonly sourcePath: string
  /** What the file was made with; undefined: what the report says, or nobody knows. */
  readonly params: string | undefined
  /** Of the job that made it: its seams are looked at. */
  readonly reportPath: string | undefined
  readonly level: VerifyLevel
}

export type Verification = ReturnType<typeof toVerification>

/** @throws MediaError, JobError where there is nothing to compare; what is wrong with the file is in the result */
export async function verifyFile(
  surroundings: Surroundings,
  request: VerifyRequest,
  { signal }: { signal: AbortSignal },
): Promise<Verification> {
  const ended = new AbortController()
  const options = { signal: AbortSignal.any([signal, ended.signal]) }
  const dataDir = await createDataDir(surroundings.env)
  const tools = await locateTools({ ...surroundings, cacheDir: join(dataDir, 'bin') })
  const report = request.reportPath === undefined ? undefined : await readClaims(request.reportPath)
  const scratchDir = await mkdtemp(join(tmpdir(), 'ffswarm-verify-'))
  try {
    const params = request.params ?? report?.params.given ?? undefined
    const paramsKnown = params !== undefined || report !== undefined
    const { sourcePath: inputPath, outputPath } = request
    // The output first: a file that is none should not cost the reading of the source.
    const { video } = await probe(tools.ffprobe, outputPath, options)
    const prepared = await prepareJob(
      { tools },
      { inputPath, outputPath, params },
      { ...options, scratchDir },
    )
    const { job, verified } = await compare(
      tools,
      prepared,
      { outputPath, timeBase: video.timeBase, paramsKnown },
      { ...options, scratchDir },
    )
    const seams = report === undefined ? undefined : seamsOf(report.segments.map(({ frames }) => frames))
    const look =
      request.level === 'full'
        ? await lookAtOutput(tools, await shownAsMade(tools, job, options), verified, seams, options)
        : undefined
    const told = paramsKnown ? await checkTold(tools, job, verified, { ...options, scratchDir }) : []
    const claims = report === undefined ? [] : await checkReport(report, job, outputPath, options)
    const findings = [...claims, ...verified.findings, ...told, ...(look?.findings ?? [])]
    return toVerification(request, job, verified, { findings, look })
  } finally {
    // What is still being found out writes into the directory.
    ended.abort(new Error('the check has ended'))
    await allEnded([tools.ffmpeg, tools.ffprobe])
    await rm(scratchDir, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function compare(
  tools: LocatedTools,
  prepared: Job,
  { outputPath, timeBase, paramsKnown }: { outputPath: string; timeBase: Rational; paramsKnown: boolean },
  options: { signal: AbortSignal; scratchDir: string },
): Promise<{ job: Job; verified: VerifiedOutput }> {
  const job = paramsKnown ? prepared : { ...prepared, streams: withoutCodecs(prepared) }
  const others = await expectedOthers(tools, job, { ...options, paramsKnown })
  const expected = await expectedOutput(job, others, timeBase)
  const verified = await verifyOutput(tools.ffprobe, outputPath, expected, options)
  const inDoubt = verified.findings.some(({ code }) => code === 'OUTPUT_FRAMES')
  if (!inDoubt || job.index.evidence === 'decoded') return { job, verified }
  // The packets may not tell the frames; then the file can be right and the list wrong.
  const decoded = await withDecodedIndex({ tools }, job, options)
  const again = await expectedOutput(decoded, others, timeBase)
  return { job: decoded, verified: await verifyOutput(tools.ffprobe, outputPath, again, options) }
}

/** What the file says of its streams and chapters. */
async function checkTold(
  tools: LocatedTools,
  job: Job,
  verified: VerifiedOutput,
  options: { signal: AbortSignal; scratchDir: string },
): Promise<Finding[]> {
  const [expected, actual, chapters] = await Promise.all([
    describeExpected(tools, job, options),
    describeStreams(tools.ffprobe, verified.file, options),
    compareChapters(tools.ffmpeg, verified, job, options),
  ])
  return [...(expected === undefined ? [] : compareStreams(actual, expected)), ...chapters]
}

/** Without params nobody knows what was copied and what encoded: only that the streams are there can be asked. */
async function withoutCodecs({ streams }: Job): Promise<Awaited<Job['streams']>> {
  const plan = await streams
  return {
    ...plan,
    streams: plan.streams.map((stream) =>
      stream.action === 'copy' ? { ...stream, action: 'encode' as const } : stream,
    ),
  }
}

async function checkReport(
  report: ReportClaims,
  job: Job,
  outputPath: string,
  options: { signal: AbortSignal },
) {
  const wrong = (detail: string) => [{ code: 'OUTPUT_UNREPORTED' as const, detail }]
  const isSource = [undefined, ptsDigest(job.index.pts)].includes(report.source.times?.digest)
  const { sha256 } = await digestFile(outputPath, options)
  return [
    ...(isSource ? [] : wrong('the report is about a source with other frame times')),
    ...([undefined, sha256].includes(report.output.sha256)
      ? []
      : wrong('its bytes are not those that the report is about')),
  ]
}

function toVerification(
  { outputPath, sourcePath, level }: VerifyRequest,
  job: Job,
  { file, times, shiftTicks, audio }: VerifiedOutput,
  { findings, look }: { findings: Parameters<typeof findingOf>[0][]; look: Look | undefined },
) {
  return {
    event: 'verified' as const,
    verdict: findings.length === 0 ? ('exact' as const) : ('failed' as const),
    level,
    output: outputPath,
    source: sourcePath,
    frames: times.length,
    sourceTimes: timesOf(job.index.pts),
    times: timesOf(times),
    shiftTicks: Number(shiftTicks),
    streams: file.streams.map(({ kind, codec }) => ({ kind, codec })),
    audio: audio.map(roundedAudio),
    ...(look?.pictures === undefined ? {} : { pictures: picturesOf(look.pictures) }),
    ...(look === undefined ? {} : { copies: look.copies }),
    findings: findings.map(findingOf),
  }
}
