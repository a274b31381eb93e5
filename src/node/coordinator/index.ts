/** One job from its file to its output: prepare, share out, join, check, rename. */
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  digestFile,
  type ExpectedAudio,
  type Finding,
  formatTimeBase,
  joinSegments,
  MediaError,
  toSeconds,
  verifyOutput,
  videoArguments,
} from '../../media/index.ts'
import { sharesCpus } from '../machine.ts'
import type { Peer } from '../membership.ts'
import type { SwarmNode } from '../node.ts'
import { wantedBuild } from './builds.ts'
import { Dispatch, IndexInDoubt, type VerifiedSegment } from './dispatch.ts'
import type { JobDone, JobEvent, PeerShare } from './events.ts'
import { localExecutor, remoteExecutor } from './executor.ts'
import { expectedAudio, expectedOutput } from './expected.ts'
import { JobError } from './failure.ts'
import { filmPlan, type Job, type JobRequest, prepareJob, withDecodedIndex } from './job.ts'
import { blame, OutputError } from './output-error.ts'
import { type OutputFile, reserveOutput } from './output-file.ts'
import { lookAtOutput, seamsOf } from './pictures.ts'
import { SegmentPlan } from './plan.ts'
import { type Evidence, toReport, type VerifyLevel } from './report.ts'
import { reserveReport } from './report-file.ts'
import { checkSegments } from './segment-integrity.ts'
import { checkStarts, decodedFromStart, StartsInDoubt } from './starts.ts'

export interface EncodeRequest extends JobRequest {
  readonly overwrite: boolean
  /** Other nodes to wait for; undefined: use whoever is there. */
  readonly peers: number | undefined
  /** Seconds to wait for them. */
  readonly waitSeconds: number
  readonly benchmarkSeconds: number | undefined
  readonly segmentSeconds: number | undefined
  /** Cut near keyframes, or just by time. Both are exact. */
  readonly atKeyframes: boolean
  /** Encode on this node too: `auto` does unless a worker on this machine already has its CPUs. */
  readonly local: 'auto' | 'always' | 'never'
  readonly verify: VerifyLevel
  /** Where to write the certificate. */
  readonly reportPath: string | undefined
}

export interface EncodeOptions {
  signal: AbortSignal
  emit(event: JobEvent): void
}

const PROGRESS_INTERVAL_MS = 500

/**
 * Encodes a file over the swarm, and writes the report on it if there is to be one, however it ends.
 *
 * @throws MediaError, JobError, OutputError, ProtocolError; the signal's reason when it was aborted. Nothing is left behind
 * then but the report, and an existing output is as it was.
 */
export async function encode(
  node: SwarmNode,
  request: EncodeRequest,
  options: EncodeOptions,
): Promise<JobDone> {
  const { inputPath, outputPath, reportPath, params, verify: level } = request
  const report =
    reportPath === undefined ? undefined : await reserveReport(reportPath, [inputPath, outputPath])
  const evidence: Evidence = { inputPath, outputPath, params, level, failedAttempts: [], warnings: [] }
  const emit = (event: JobEvent) => {
    if (event.event === 'warning') evidence.warnings.push(event.message)
    if (event.event === 'segment' && event.state === 'failed') evidence.failedAttempts.push(event)
    options.emit(event)
  }
  let done: JobDone
  try {
    done = await encodeFile(node, request, evidence, { ...options, emit })
  } catch (error) {
    await report?.write(toReport(evidence, error))
    throw error
  }
  if (report !== undefined) {
    evidence.digest = await digestFile(outputPath, options)
    await report.write(toReport(evidence, undefined))
  }
  emit(done)
  return done
}

async function encodeFile(
  node: SwarmNode,
  request: EncodeRequest,
  evidence: Evidence,
  options: EncodeOptions,
): Promise<JobDone> {
  const { signal, emit } = options
  const clock = phaseClock(node.surroundings.now)
  const directory = join(node.workDir, 'job')
  await mkdir(directory, { recursive: true })
  let output: OutputFile | undefined
  const ended = new AbortController()
  try {
    emit({ event: 'phase', phase: 'probing' })
    const enough = waitForPeers(node, request, options)
    // A failure of either is the job's; the other one's must not go unhandled meanwhile.
    enough.catch(() => {})
    const prepared = await prepareJob(node, request, { signal, scratchDir: directory })
    // A job that cannot be joined ends now, not after hours of work.
    const refused = new AbortController()
    const told = tellLosses(prepared, options).catch((error: unknown) => refused.abort(error))
    const { size: sizeBytes, mtime: modified } = await stat(prepared.source.path)
    Object.assign(evidence, { job: prepared, file: { sizeBytes, modified } })
    output = await reserveOutput(request.outputPath, {
      overwrite: request.overwrite,
      inputPath: request.inputPath,
    })
    clock.next('prepare')
    emit({ event: 'phase', phase: 'waiting' })
    await enough
    clock.next('wait')

    const audio = expectedAudio(node.tools, prepared, {
      signal: AbortSignal.any([signal, ended.signal]),
      paramsKnown: true,
    })
    audio.catch(() => {})
    const { job, segments } = await encodeSegments(node, prepared, request, directory, {
      ...options,
      signal: AbortSignal.any([signal, refused.signal]),
    })
    await told
    refused.signal.throwIfAborted()
    Object.assign(evidence, { job, segments })
    clock.next('encode')

    emit({ event: 'phase', phase: 'joining' })
    await joinOutput(node, job, segments, output, options)
    clock.next('join')

    emit({ event: 'phase', phase: 'verifying' })
    await Promise.all([
      checkSegments(segments, job, { signal }),
      verify(node, output, await audio, evidence, signal),
    ])
    await output.commit()
    output = undefined
    clock.next('verify')

    return {
      event: 'done',
      output: request.outputPath,
      frames: evidence.verified?.times.length ?? 0,
      wallSeconds: clock.totalSeconds(),
      cpuSeconds: segments.reduce((sum, { encoded }) => sum + encoded.cpuSeconds, 0),
      ...node.traffic,
      segments: segments.map(({ event }) => event),
      peers: shares(segments),
      phases: clock.phases,
    }
  } finally {
    ended.abort()
    await output?.discard()
    await rm(directory, { recursive: true, force: true })
  }
}

async function waitForPeers(
  node: SwarmNode,
  { peers, waitSeconds, local }: EncodeRequest,
  { signal }: EncodeOptions,
): Promise<void> {
  const wanted = peers ?? (local === 'never' ? 1 : 0)
  if (wanted === 0) return
  const deadline = AbortSignal.timeout(waitSeconds * 1000)
  try {
    await node.membership.waitForWorkers(wanted, { signal: AbortSignal.any([signal, deadline]) })
  } catch (error) {
    if (signal.aborted || !deadline.aborted) throw error
    const present = node.membership.peers
      .filter(({ hello }) => hello.role === 'worker')
      .map(({ hello }) => hello.name)
    throw new JobError({ code: 'PEERS_MISSING', wanted, waitSeconds, present })
  }
}

/**
 * Encodes all segments; once more with the times of a full decode where the packets turn out not to tell them, and once
 * more from the start where keyframes turn out to be no places to start from.
 */
async function encodeSegments(
  node: SwarmNode,
  prepared: Job,
  request: EncodeRequest,
  directory: string,
  options: EncodeOptions,
): Promise<{ job: Job; segments: readonly VerifiedSegment[] }> {
  const warn = (message: string) => options.emit({ event: 'warning', message })
  let job = prepared
  for (;;) {
    announce(node, job, request, options)
    try {
      return { job, segments: await dispatch(node, job, request, directory, options) }
    } catch (error) {
      if (error instanceof IndexInDoubt) {
        warn('the packets of this file do not tell its frames: it is decoded once to learn them')
        job = await withDecodedIndex(node, job, { signal: options.signal, scratchDir: directory })
      } else if (error instanceof StartsInDoubt) {
        warn('this file decodes differently from a later keyframe: all segments are decoded from its start')
        job = decodedFromStart(job)
      } else {
        throw error
      }
    }
  }
}

function announce(node: SwarmNode, job: Job, request: EncodeRequest, { emit }: EncodeOptions): void {
  emit({
    event: 'job',
    job: job.id,
    input: request.inputPath,
    output: request.outputPath,
    params: [
      ...videoArguments(job.params),
      ...job.params.audio,
      ...job.params.subtitle,
      ...job.params.output,
    ].join(' '),
    encoder: job.params.encoder,
    frames: job.film.pts.length,
    seconds: filmSeconds(job),
    timeBase: formatTimeBase(job.film.timing.source),
    coordinator: node.peerId.toString(),
  })
}

async function dispatch(
  node: SwarmNode,
  job: Job,
  request: EncodeRequest,
  directory: string,
  { signal, emit }: EncodeOptions,
): Promise<readonly VerifiedSegment[]> {
  const before = await stat(job.source.path)
  const sourceBlob = await node.blobs.add(job.source.path)
  const local = localExecutor(node, job)
  const work = new Dispatch({
    node,
    job,
    plan: new SegmentPlan(filmPlan(job), { atKeyframes: request.atKeyframes }),
    policy: {
      totalFrames: job.film.pts.length,
      framesPerSecond: job.film.pts.length / Math.max(filmSeconds(job), 0.1),
      segmentSeconds: request.segmentSeconds,
      benchmarkSeconds: request.benchmarkSeconds,
    },
    build: wantedBuild(job.build, request.local !== 'never'),
    directory,
    signal,
    mayWork: (executor) => !executor.isLocal || worksHere(),
    emit,
  })

  const stopFollowing = followPeers()
  const progress = startProgress()
  const over = new AbortController()
  // It takes seconds, and is nearly always true: work does not wait for it.
  const startsAlike = checkStarts(node.tools.ffmpeg, job, { signal: AbortSignal.any([signal, over.signal]) })
  startsAlike.then(
    (alike) => alike || work.fail(new StartsInDoubt()),
    (error) => work.fail(error),
  )
  try {
    emit({ event: 'phase', phase: 'encoding' })
    if (request.local !== 'never') work.add(local, node.slots)
    const segments = await work.run()
    if (!(await startsAlike)) throw new StartsInDoubt()
    const after = await stat(job.source.path)
    if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
      throw new JobError({ code: 'SOURCE_CHANGED', path: job.source.path })
    }
    return segments
  } finally {
    over.abort(new Error('the job has ended'))
    progress.stop()
    stopFollowing()
    await sourceBlob.remove()
  }

  /** Two encoders on one CPU gain nothing: a worker on this machine takes this node's place while it is there. */
  function worksHere(): boolean {
    if (request.local !== 'auto') return request.local === 'always'
    return !node.membership.peers.some(
      ({ id, hello }) => work.employs(id.toString()) && sharesCpus(node.machine, hello),
    )
  }

  function isUsable({ hello }: Peer): boolean {
    return (
      hello.role === 'worker' &&
      hello.state !== 'draining' &&
      hello.slots > 0 &&
      hello.ffmpeg?.encoders.includes(job.params.encoder) === true
    )
  }

  function followPeers(): () => void {
    const { membership } = node
    const known = new Set<string>()
    const consider = (peer: Peer) => {
      const id = peer.id.toString()
      if (peer.hello.role !== 'worker' || known.has(id)) return
      const common = { event: 'peer', peer: id, name: peer.hello.name } as const
      known.add(id)
      if (!isUsable(peer)) {
        const detail =
          peer.hello.state === 'draining'
            ? 'it takes no more work'
            : `its ffmpeg (${peer.hello.ffmpeg?.version ?? 'none'}) has no encoder ${job.params.encoder}: install a fuller FFmpeg there, or name one with FFSWARM_FFMPEG`
        emit({ ...common, state: 'unusable', slots: 0, detail })
        return
      }
      emit({ ...common, state: 'joined', slots: peer.hello.slots })
      work.add(remoteExecutor(node, job, sourceBlob, peer), peer.hello.slots)
    }
    const onJoin = ({ detail: peer }: CustomEvent<Peer>) => consider(peer)
    const onLeave = ({ detail: peer }: CustomEvent<Peer>) => {
      const id = peer.id.toString()
      if (!known.delete(id)) return
      emit({ event: 'peer', peer: id, name: peer.hello.name, state: 'left', slots: 0 })
      work.remove(id)
    }
    membership.addEventListener('join', onJoin)
    membership.addEventListener('leave', onLeave)
    for (const peer of membership.peers) consider(peer)
    return () => {
      membership.removeEventListener('join', onJoin)
      membership.removeEventListener('leave', onLeave)
    }
  }

  function startProgress(): { stop(): void } {
    const { now } = node.surroundings
    const began = now()
    let desertedSince: number | undefined
    const tell = () => {
      const seconds = (now() - began) / 1000
      const frames = work.framesDone
      const fps = frames / Math.max(seconds, 1e-3)
      const total = job.film.pts.length
      emit({
        event: 'progress',
        frames,
        total,
        fps: Math.round(fps * 100) / 100,
        ...(frames > 0 ? { eta: Math.round((total - frames) / fps) } : {}),
        ...node.traffic,
      })
    }
    const watchForWorkers = () => {
      desertedSince = work.isDeserted ? (desertedSince ?? now()) : undefined
      if (desertedSince !== undefined && now() - desertedSince > request.waitSeconds * 1000) {
        work.fail(new JobError({ code: 'PEERS_LOST', waitSeconds: request.waitSeconds }))
      }
    }
    const timer = setInterval(() => {
      tell()
      watchForWorkers()
    }, PROGRESS_INTERVAL_MS)
    return {
      stop() {
        clearInterval(timer)
        tell()
      },
    }
  }
}

async function tellLosses({ losses }: Job, { emit }: EncodeOptions): Promise<void> {
  for (const message of await losses) emit({ event: 'warning', message })
}

async function joinOutput(
  node: SwarmNode,
  job: Job,
  segments: readonly VerifiedSegment[],
  output: OutputFile,
  { signal }: EncodeOptions,
): Promise<void> {
  const plan = await job.streams
  try {
    await joinSegments(
      node.tools.ffmpeg,
      {
        source: job.source,
        params: job.params,
        plan,
        format: job.format,
        encoderTimeBase: job.film.timing.encoder,
        segments: segments.map(({ path, task }) => ({
          path,
          firstTick: task.times[0] ?? 0n,
          frames: task.times.length,
        })),
        encoderTag: `${node.ffmpeg.encoderTag} ${job.params.encoder}`,
        streamTags: await job.streamTags,
        outputPath: output.partialPath,
        mixedBuilds: job.mixedBuilds,
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

/** @throws OutputError that names the segment */
async function verify(
  { tools }: SwarmNode,
  output: OutputFile,
  audio: readonly ExpectedAudio[],
  evidence: Evidence,
  signal: AbortSignal,
): Promise<void> {
  const { job, segments = [] } = evidence
  if (job === undefined) throw new Error('there is no job to verify')
  const expected = await expectedOutput(job, audio)
  const verified = await verifyOutput(tools.ffprobe, output.partialPath, expected, { signal })
  Object.assign(evidence, { expected, verified })
  const findings: Finding[] = [...verified.findings]
  if (evidence.level === 'full') {
    const look = await lookAtOutput(tools, job, verified, seamsOf(segments.map(({ task }) => task.frames)), {
      signal,
    })
    findings.push(...(look?.findings ?? []))
    Object.assign(evidence, { pictures: look?.pictures })
  }
  const [finding, ...more] = blame(findings, segments, job)
  if (finding !== undefined) throw new OutputError([finding, ...more])
}

function filmSeconds({ film: { pts, timing } }: Job): number {
  return toSeconds((pts.at(-1) ?? 0n) - (pts[0] ?? 0n), timing.source)
}

function shares(segments: readonly VerifiedSegment[]): PeerShare[] {
  const byPeer = new Map<string, PeerShare>()
  for (const { executor, task, encoded } of segments) {
    const share = byPeer.get(executor.peer)
    byPeer.set(executor.peer, {
      peer: executor.peer,
      name: executor.name,
      segments: (share?.segments ?? 0) + 1,
      frames: (share?.frames ?? 0) + task.frames,
      encodeSeconds: (share?.encodeSeconds ?? 0) + encoded.encodeSeconds,
    })
  }
  return [...byPeer.values()]
}

function phaseClock(now: () => number) {
  const began = now()
  const phases: Record<string, number> = {}
  let last = began
  return {
    phases,
    next(name: string): void {
      phases[name] = Math.round(now() - last) / 1000
      last = now()
    },
    totalSeconds: () => Math.round(now() - began) / 1000,
  }
}
