/** The film shared out: every segment encoded by somebody and verified, or the job ends. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { formatTimeBase, toSeconds, videoArguments } from '../../media/index.ts'
import { sharesCpus } from '../machine.ts'
import type { SwarmNode } from '../node.ts'
import { IndexInDoubt } from './attempt-failure.ts'
import { wantedBuild } from './builds.ts'
import { Dispatch } from './dispatch.ts'
import { localExecutor, remoteExecutor } from './executor.ts'
import { JobError } from './failure.ts'
import { filmPlan, type Job, withDecodedIndex } from './job.ts'
import { followPeers, watchForWorkers } from './job-peers.ts'
import { SegmentPlan } from './plan.ts'
import { tellProgress } from './progress.ts'
import type { EncodeOptions, EncodeRequest } from './request.ts'
import { checkStarts, decodedFromStart, StartsInDoubt } from './starts.ts'
import type { VerifiedSegment } from './verify-segment.ts'

/**
 * Encodes all segments; once more with the times of a full decode where the packets turn out not to tell them, and once
 * more from the start where keyframes turn out to be no places to start from.
 */
export async function encodeSegments(
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
    const place = await mkdtemp(join(directory, 'segments-'))
    try {
      return { job, segments: await dispatch(node, job, request, place, options) }
    } catch (error) {
      // They would take their place on the disk until the job's end, and nobody wants them.
      await rm(place, { recursive: true, force: true, maxRetries: 3 })
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

  const { now } = node.surroundings
  const stopFollowing = followPeers(node.membership, job.params.encoder, {
    emit,
    add: (peer) => work.add(remoteExecutor(node, job, sourceBlob, peer), peer.hello.slots),
    remove: (peer) => work.remove(peer),
  })
  const stopTelling = tellProgress({
    now,
    totalFrames: job.film.pts.length,
    framesDone: () => work.framesDone,
    traffic: () => node.traffic,
    emit,
  })
  const stopWatching = watchForWorkers(
    now,
    request.waitSeconds,
    () => work.isDeserted,
    (error) => work.fail(error),
  )
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
    stopWatching()
    stopTelling()
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
}

function filmSeconds({ film: { pts, timing } }: Job): number {
  return toSeconds((pts.at(-1) ?? 0n) - (pts[0] ?? 0n), timing.source)
}
