/** The film shared out: every segment encoded by somebody and verified, or the job ends. */
import { formatTimeBase, toSeconds, videoArguments } from '../../media/index.ts'
import type { StoredBlob } from '../blob-store.ts'
import { sharesCpus } from '../machine.ts'
import type { SwarmNode } from '../node.ts'
import type { Traffic } from '../traffic.ts'
import { IndexInDoubt } from './attempt-failure.ts'
import { wantedBuild } from './builds.ts'
import { Dispatch, FalsePictures } from './dispatch.ts'
import { endingSeconds } from './ending.ts'
import { type Executor, localExecutor, remoteExecutor } from './executor.ts'
import { expectedFrames, followIndex, goesOn, HeadInDoubt } from './head-start.ts'
import { filmPlan, type Job, withDecodedIndex, withHead, withWholeIndex } from './job.ts'
import { followPeers, watchForWorkers } from './job-peers.ts'
import { checkLook, LookInDoubt, shownAlike } from './opening.ts'
import { SegmentPlan } from './plan.ts'
import { tellProgress } from './progress.ts'
import { kindOfWork, readRates, rememberRates } from './remembered-rates.ts'
import type { EncodeOptions, EncodeRequest } from './request.ts'
import type { SourceWatch } from './source-watch.ts'
import { Space } from './space.ts'
import { checkStarts, decodedFromStart, StartsInDoubt } from './starts.ts'
import type { StoredJob } from './store/index.ts'
import type { VerifiedSegment } from './verify-segment.ts'

export interface EncodedFilm {
  readonly job: Job
  /** In the film's order. */
  readonly segments: readonly VerifiedSegment[]
  /** Of the nodes that were to work, whether or not anything of the film is theirs. */
  readonly executors: readonly Executor[]
}

export type JobTraffic = Pick<Traffic, 'total' | 'with'>

interface Places {
  readonly stored: StoredJob
  /** For what is of no use afterwards. */
  readonly directory: string
  /** Where the output will lie. */
  readonly outputDirectory: string
  readonly source: SourceWatch
  /** Of this job alone. */
  readonly traffic: JobTraffic
  /** PeerIds of those who have no part in the job. */
  readonly excluded: Set<string>
  /** What peers read: to the end of the job, however often it begins anew. */
  readonly sourceBlob: StoredBlob
}

/** Encodes all segments; peers read one and the same source to the end, however often the job begins anew. */
export async function encodeSegments(
  node: SwarmNode,
  prepared: Job,
  request: EncodeRequest,
  places: Omit<Places, 'excluded' | 'sourceBlob'>,
  options: EncodeOptions,
): Promise<EncodedFilm> {
  const sourceBlob = await node.blobs.add(prepared.source.path, places.stored.blobId)
  try {
    return await encodeUntilSure(node, prepared, request, { ...places, sourceBlob }, options)
  } finally {
    await sourceBlob.remove()
  }
}

/**
 * All segments; once more with the times of a full decode where the packets turn out not to tell them, and once
 * more from the start where keyframes turn out to be no places to start from, or told how pictures are to be shown where the source
 * changes its mind.
 */
async function encodeUntilSure(
  node: SwarmNode,
  prepared: Job,
  request: EncodeRequest,
  places: Omit<Places, 'excluded'>,
  options: EncodeOptions,
): Promise<EncodedFilm> {
  const { stored, directory } = places
  const excluded = new Set<string>()
  const warn = (message: string) => options.emit({ event: 'warning', message })
  const again = { signal: options.signal, scratchDir: directory }
  // What is there from before can stand anywhere in the film.
  let job = stored.segments.length === 0 ? prepared : await withWholeIndex(node, prepared, again)
  for (;;) {
    announce(node, job, request, options)
    try {
      return await dispatch(node, job, request, { ...places, excluded }, options)
    } catch (error) {
      if (error instanceof FalsePictures) {
        for (const peer of error.peers) excluded.add(peer)
        warn(
          `${error.message}: what came from there is encoded again, and nothing more is given there (ffswarm encode --deny keeps it out for good)`,
        )
        job = await withWholeIndex(node, job, again)
      } else if (error instanceof IndexInDoubt) {
        warn('the packets of this file do not tell its frames: it is decoded once to learn them')
        job = await withDecodedIndex(node, job, again)
      } else if (error instanceof HeadInDoubt) {
        warn(
          'the rest of this file times its frames otherwise than its beginning: all segments are encoded again',
        )
        job = await withWholeIndex(node, job, again)
      } else if (error instanceof LookInDoubt) {
        const whole = await withWholeIndex(node, job, again)
        job = await shownAlike(node.tools, { ...whole, looks: error.looks }, again)
        warn(
          `the source's pictures change on the way (${error.message}): all segments are told what its first frame says, as in a single run`,
        )
      } else if (error instanceof StartsInDoubt) {
        warn('this file decodes differently from a later keyframe: all segments are decoded from its start')
        job = decodedFromStart(await withWholeIndex(node, job, again))
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
    frames: expectedFrames(job),
    ...(job.rest === undefined ? {} : { isEstimate: true }),
    seconds: job.rest === undefined ? filmSeconds(job) : (job.source.durationSeconds ?? filmSeconds(job)),
    timeBase: formatTimeBase(job.film.timing.source),
    coordinator: node.peerId.toString(),
  })
}

async function dispatch(
  node: SwarmNode,
  job: Job,
  request: EncodeRequest,
  { stored, directory, outputDirectory, source, traffic, excluded, sourceBlob }: Places,
  { signal, emit }: EncodeOptions,
): Promise<EncodedFilm> {
  const over = new AbortController()
  await source.check()
  const kind = kindOfWork(job)
  // Nodes that are to be taken for equal are.
  const rates =
    request.benchmarkSeconds === undefined ? new Map() : await readRates(node.dataDir, kind, Date.now())
  const local = localExecutor(node, job)
  const plan = new SegmentPlan(filmPlan(job), {
    atKeyframes: request.atKeyframes,
    expectedFrames: job.rest === undefined ? undefined : expectedFrames(job),
  })
  const space = new Space({
    segments: stored.directory,
    output: outputDirectory,
    totalFrames: () => plan.totalFrames + plan.unseenFrames,
    signal: AbortSignal.any([signal, over.signal]),
    emit,
  })
  const work = new Dispatch({
    node,
    job,
    plan,
    policy: {
      totalFrames: expectedFrames(job),
      framesPerSecond: job.film.pts.length / Math.max(filmSeconds(job), 0.1),
      segmentSeconds: request.segmentSeconds,
      ...(request.isPull === undefined ? {} : { isPull: request.isPull }),
      benchmarkSeconds: request.benchmarkSeconds,
    },
    build: wantedBuild(job.build, request.local !== 'never'),
    stored,
    space,
    signal,
    mayWork: (executor) => !executor.isLocal || worksHere(),
    emit,
  })

  // Those of another try at the job are removed.
  const restored = await work.restore(plan, { signal })
  if (restored.length > 0) {
    const frames = restored.reduce((sum, { task }) => sum + task.frames, 0)
    const stretches = restored
      .map(({ task }): [number, number] => [task.first, task.first + task.frames])
      .sort(([a], [b]) => a - b)
    emit({ event: 'resumed', segments: restored.length, frames, stretches })
  }
  if (job.rest === undefined) await stored.tellFrames(plan.totalFrames)
  const { now } = node.surroundings
  const stopFollowing = followPeers(node.membership, job.params.encoder, {
    emit,
    add(peer) {
      const id = peer.id.toString()
      if (!excluded.has(id)) {
        work.add(remoteExecutor(node, job, sourceBlob, peer), peer.hello.slots, rates.get(id))
      }
    },
    lose: (peer) => work.lose(peer),
  })
  const stopTelling = tellProgress({
    now,
    totalFrames: () => plan.totalFrames + plan.unseenFrames,
    framesDone: () => work.framesDone,
    secondsToEnd: () => work.secondsToEnd,
    endingSeconds: () => endingSeconds(job, request.verify),
    traffic: () => traffic.total,
    peers: () => work.peers.map((peer) => ({ ...peer, ...traffic.with(peer.peer) })),
    emit,
  })
  const stopWatching = watchForWorkers(
    now,
    request.waitSeconds,
    () => work.isDeserted,
    (error) => work.fail(error),
  )
  const stopWatchingSource = source.follow((error) => work.fail(error))
  // It takes seconds, and is nearly always true: work does not wait for it.
  const startsAlike = checkStarts(node.tools.ffmpeg, job, { signal: AbortSignal.any([signal, over.signal]) })
  startsAlike.then(
    (alike) => alike || work.fail(new StartsInDoubt()),
    (error) => work.fail(error),
  )
  const whole = readOn()
  const looked = whole.then((all) =>
    checkLook(node.tools, all, { signal: AbortSignal.any([signal, over.signal]), scratchDir: directory }),
  )
  looked.catch((error: unknown) => work.fail(error))
  try {
    emit({ event: 'phase', phase: 'encoding' })
    work.addRescuer(local)
    if (request.local !== 'never') work.add(local, node.capacity.slots, rates.get(local.peer))
    const segments = await work.run()
    if (!(await startsAlike)) throw new StartsInDoubt()
    const looks = await looked
    await source.check()
    // A disk that is full of other things is no reason to lose a film.
    await rememberRates(node.dataDir, kind, work.rates, Date.now()).catch(() => {})
    // This node where it only stands in for a worker that is there was not meant to work.
    const executors = work.executors.filter(({ isLocal }) => !isLocal || request.local === 'always')
    return { job: { ...(await whole), looks }, segments, executors }
  } finally {
    over.abort(new Error('the job has ended'))
    stopWatching()
    stopWatchingSource()
    stopTelling()
    stopFollowing()
  }

  /** The job with all of its film, which is shared out as it becomes known. */
  async function readOn(): Promise<Job> {
    if (job.rest === undefined) return job
    const reading = { signal: AbortSignal.any([signal, over.signal]) }
    let head = job
    await followIndex(
      job,
      (index) => {
        head = withHead(job, index)
        plan.grow(filmPlan(head), expectedFrames(head))
        work.grow()
      },
      reading,
    )
    const all = await withWholeIndex(node, job, { ...reading, scratchDir: directory })
    if (!goesOn(head, all)) throw new HeadInDoubt()
    announce(node, all, request, { signal, emit })
    await stored.tellFrames(all.film.pts.length)
    plan.grow(filmPlan(all))
    work.grow()
    return all
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
