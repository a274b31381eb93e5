/** One job from its file to its output: prepare, share out, join, check, rename. */
import { randomBytes } from 'node:crypto'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { allEnded, digestFile, ownTools, toSeconds } from '../../media/index.ts'
import { isDiskFull } from '../disk-space.ts'
import type { SwarmNode } from '../node.ts'
import { encodeSegments } from './encode-segments.ts'
import type { JobDone, JobEvent } from './events.ts'
import { expectedOthers } from './expected.ts'
import { JobError } from './failure.ts'
import { type Job, prepareJob } from './job.ts'
import { waitForPeers } from './job-peers.ts'
import { joinOutput, tryJoinOptions, verifyJoined } from './joined-output.ts'
import { keepReport } from './kept-reports.ts'
import { type OutputFile, reserveOutput } from './output-file.ts'
import { peerShares } from './peer-shares.ts'
import { phaseClock } from './phase-clock.ts'
import { type Evidence, type Report, toReport } from './report.ts'
import { reserveReport } from './report-file.ts'
import type { EncodeOptions, EncodeRequest } from './request.ts'
import { checkSegments } from './segment-integrity.ts'
import { watchSource } from './source-watch.ts'
import { openJob, type StoredJob } from './store/index.ts'
import { Timeline } from './timeline.ts'
import { isHopeless, UnfinishedError } from './unfinished.ts'
import type { VerifiedSegment } from './verify-segment.ts'

export type { EncodeOptions, EncodeRequest } from './request.ts'

/**
 * Encodes a file over the swarm, and writes the report on it where there is to be one, however it ends; one is kept for whoever asks
 * later.
 *
 * @throws MediaError, JobError, OutputError, ProtocolError; the signal's reason when it was aborted; UnfinishedError with one of
 * these as its cause where segments are kept. Nothing else is left behind then but the report, and an existing output is as it was.
 */
export async function encode(
  node: SwarmNode,
  request: EncodeRequest,
  options: EncodeOptions,
): Promise<JobDone> {
  const { inputPath, outputPath, reportPath, params, verify: level } = request
  const report =
    reportPath === undefined ? undefined : await reserveReport(reportPath, [inputPath, outputPath], request)
  const timeline = new Timeline(node.surroundings.now)
  const evidence: Evidence = {
    ...{ inputPath, outputPath, params, level, timeline, failedAttempts: [], warnings: [] },
    begunAt: Date.now(),
  }
  const emit = (event: JobEvent) => {
    timeline.take(event)
    if (event.event === 'warning') evidence.warnings.push(event.message)
    if (event.event === 'segment' && event.state === 'failed') evidence.failedAttempts.push(event)
    node.log.job(event)
    options.emit(event)
  }
  let done: JobDone
  try {
    done = await encodeFile(node, request, evidence, { ...options, emit })
  } catch (error) {
    // What became of the job is what counts.
    const isOfWork = evidence.segments !== undefined || evidence.failedAttempts.length > 0
    const failed = toReport(evidence, error)
    await report?.write(textOf(failed), { overwrite: isOfWork }).catch((cause: unknown) => {
      emit({ event: 'warning', message: cause instanceof Error ? cause.message : String(cause) })
    })
    if (isOfWork) await keep(failed)
    throw error
  }
  timeline.take(done)
  const exact = toReport(evidence, undefined)
  await keep(exact)
  try {
    await report?.write(textOf(exact))
  } finally {
    // The output is there, whatever becomes of the report.
    emit(done)
  }
  return done

  function textOf(content: Report): string {
    return options.writeReport?.(reportPath ?? '', content) ?? `${JSON.stringify(content, null, 2)}\n`
  }

  /** A disk that is full, or not to be written, is no matter of a film that is done. */
  async function keep(content: Report): Promise<void> {
    if (evidence.id !== undefined) await keepReport(node.dataDir, evidence.id, content).catch(() => {})
  }
}

async function encodeFile(
  shared: SwarmNode,
  request: EncodeRequest,
  evidence: Evidence,
  options: EncodeOptions,
): Promise<JobDone> {
  // Another job of this node may be at work: whose tools have ended is asked of this one's alone.
  const node = { ...shared, tools: ownTools(shared.tools) }
  const emit = (event: JobEvent) => options.emit(withNames(event, (text) => source.named(text)))
  const ended = new AbortController()
  const signal = AbortSignal.any([options.signal, ended.signal])
  const clock = phaseClock(node.surroundings.now)
  const traffic = node.traffic.since()
  const directory = join(node.workDir, `job-${randomBytes(4).toString('hex')}`)
  await mkdir(directory, { recursive: true })
  const source = await watchSource(request.inputPath, join(directory, 'source'), { signal })
  const held = { ...request, inputPath: source.path, inputFd: source.fd }
  let output: OutputFile | undefined
  let stored: StoredJob | undefined
  try {
    emit({ event: 'phase', phase: 'probing' })
    const enough = waitForPeers(node.membership, request, { signal })
    // A failure of either is the job's; the other one's must not go unhandled meanwhile.
    enough.catch(() => {})
    const unnamed = await prepareJob(node, held, { signal, scratchDir: directory, startsEarly: true })
    stored = await openJob(node.dataDir, request, { signal, sourcePath: source.path })
    // What was read of it, and the mark by which it is known again, are of one file.
    await source.check()
    const prepared = { ...unnamed, id: stored.id }
    if (stored.outdated > 0) {
      const message = `${request.inputPath} has changed since this job was begun: ${stored.outdated} segments of it are encoded again`
      emit({ event: 'warning', message })
    }
    // A job that cannot be joined ends now, not after hours of work.
    const refused = new AbortController()
    const told = tellLosses(prepared, { emit }).catch((error: unknown) => refused.abort(error))
    const { size: sizeBytes, mtime: modified } = await stat(prepared.source.path)
    Object.assign(evidence, { id: stored.id, job: prepared, file: { sizeBytes, modified } })
    await tryJoinOptions(node, prepared, { signal, scratchDir: directory })
    output = await reserveOutput(request.outputPath, {
      overwrite: request.overwrite || (await stored.hasFinished(request.outputPath)),
      inputPath: request.inputPath,
    })
    await stored.tellPartial(output.partialPath)
    clock.next('prepare')
    emit({ event: 'phase', phase: 'waiting' })
    await enough
    clock.next('wait')

    const others = expectedOthers(node.tools, prepared, { signal, paramsKnown: true })
    others.catch(() => {})
    const { job, segments, executors } = await encodeSegments(
      node,
      prepared,
      request,
      { stored, directory, outputDirectory: output.directory, source, traffic },
      { emit, signal: AbortSignal.any([signal, refused.signal]) },
    )
    tellDamage(segments, job, { emit })
    await told
    refused.signal.throwIfAborted()
    Object.assign(evidence, { job, segments })
    clock.next('encode')
    const bytes = traffic.total
    options.onEncoded?.()

    emit({ event: 'phase', phase: 'joining' })
    await joinOutput(node, job, segments, output, { signal, emit })
    clock.next('join')

    emit({ event: 'phase', phase: 'verifying' })
    const expected = await others
    await Promise.all([
      checkSegments(segments, job, { signal }),
      verifyJoined(node, output, expected, evidence, signal),
    ])
    await source.check()
    if (request.reportPath !== undefined) evidence.digest = await digestFile(output.partialPath, { signal })
    await stored.tellFinished(output.partialPath)
    await output.commit()
    output = undefined
    await stored.remove()
    clock.next('verify')

    return {
      event: 'done',
      output: request.outputPath,
      frames: job.film.pts.length,
      wallSeconds: clock.totalSeconds(),
      framesBefore: evidence.timeline.framesBefore,
      cpuSeconds: segments.reduce((sum, { encoded }) => sum + encoded.cpuSeconds, 0),
      ...bytes,
      segments: segments.map(({ event }) => event),
      peers: peerShares(segments, executors),
      phases: clock.phases,
    }
  } catch (first) {
    // What comes of another file than the job was begun with is nobody's fault.
    const thrown = signal.aborted
      ? first
      : await source.check().then(
          () => source.namedError(first),
          (changed) => changed,
        )
    const error = isDiskFull(thrown)
      ? new JobError({ code: 'WORK_DISK_FULL', directory: node.dataDir }, { cause: thrown })
      : thrown
    if (stored === undefined) throw error
    if (isHopeless(error)) await stored.remove()
    throw stored.kept === 0 ? error : new UnfinishedError(error, stored)
  } finally {
    // What is still being found out writes into the directory.
    ended.abort(new Error('the job has ended'))
    await allEnded([node.tools.ffmpeg, node.tools.ffprobe])
    await output?.discard()
    await stored?.release()
    await source.close()
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** What is said of the path by which the source is read is said of its name. */
function withNames(event: JobEvent, named: (text: string) => string): JobEvent {
  if (event.event === 'warning') return { ...event, message: named(event.message) }
  if (event.event === 'segment' && event.detail !== undefined)
    return { ...event, detail: named(event.detail) }
  return event
}

/** One warning, whatever its extent: the report tells each segment's. */
function tellDamage(
  segments: readonly VerifiedSegment[],
  job: Job,
  { emit }: Pick<EncodeOptions, 'emit'>,
): void {
  const [first, ...more] = segments.filter(({ encoded }) => encoded.complaints > 0)
  if (first === undefined) return
  const { pts, timing } = job.film
  const place = toSeconds(first.task.firstPts - (pts[0] ?? 0n), timing.source).toFixed(1)
  const others = more.length === 0 ? '' : ` (and in ${more.length} more segments)`
  const message = `ffmpeg complains about the source after ${place} s${others}, as in a single run: look at the pictures there`
  emit({ event: 'warning', message })
}

async function tellLosses({ losses }: Job, { emit }: Pick<EncodeOptions, 'emit'>): Promise<void> {
  for (const message of await losses) emit({ event: 'warning', message })
}
