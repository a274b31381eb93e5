/**
 * A live film: taken in, shared out piece by piece, and on air a fixed time later, whatever becomes of the nodes. A piece that is not there in
 * time is made up for; the playlist goes on.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  ingest,
  type LiveInput,
  MediaError,
  makeSlate,
  numberFragments,
  type Packaged,
  type Piece,
  PieceMaker,
  packageSegment,
  packageTransportStream,
  SEGMENT_SHIFT_SECONDS,
  segmentBytesMax,
  segmentTimeScale,
} from '../../media/index.ts'
import type { StoredBlob } from '../blob-store.ts'
import { SLOTS_MAX } from '../capacity.ts'
import { describeFailure, isDraining } from '../coordinator/attempt-failure.ts'
import type { Build } from '../coordinator/builds.ts'
import { localExecutor, remoteExecutor } from '../coordinator/executor.ts'
import type { Job } from '../coordinator/job.ts'
import { followPeers, waitForPeers } from '../coordinator/job-peers.ts'
import { verifySegment } from '../coordinator/verify-segment.ts'
import type { Peer } from '../membership.ts'
import type { SwarmNode } from '../node.ts'
import { DeadlineScheduler, type LiveAttempt } from './deadlines.ts'
import type { LiveEvent, PieceChanged, StreamEnded } from './events.ts'
import { type HlsSettings, HlsWriter, openStreamDirectory } from './hls-writer.ts'
import { type PieceJob, pieceJob, prepareTemplate, storePiece, storeSound } from './piece-job.ts'

export interface StreamRequest {
  readonly input: LiveInput
  /** A directory. */
  readonly output: string
  readonly params: string
  /** Faster ones, for pieces that would be late otherwise. */
  readonly fallbackParams: string | undefined
  /** FFmpeg options of the sound. */
  readonly audio: readonly string[]
  /** From a frame's coming in to its being on air; `auto`: the least that is safe, as the first pieces show. */
  readonly delaySeconds: number | 'auto'
  /** A segment is no shorter, where the input has keyframes for that. */
  readonly segmentSeconds: number
  readonly hls: Omit<HlsSettings, 'targetSeconds'>
  /** Segments are MPEG-TS instead of CMAF. */
  readonly isTransportStream: boolean
  readonly peers: number | undefined
  readonly waitSeconds: number
  readonly local: 'auto' | 'always' | 'never'
  /** Whether an input that ends is waited for and taken in again. */
  readonly reconnects: boolean
}

export interface StreamOptions {
  readonly signal: AbortSignal
  readonly stdin?: AsyncIterable<Uint8Array>
  emit(event: LiveEvent): void
}

/** Packaging and writing: so long before its time a piece must be here. */
const PACKAGE_SECONDS = 1
const TICK_MS = 100
const TELL_EVERY_TICKS = 10
/** What the delay is found with, and by how much it is longer than the longest of them took. */
const PIECES_MEASURED = 4
const SAFETY = 1.4
/** An input that has ended is looked for again after so long, then twice as long each time. */
const RECONNECT_SECONDS = 1
const RECONNECT_SECONDS_MAX = 30

/** A piece on its way from the input to the air. */
interface Pending {
  readonly piece: Piece
  readonly path: string
  readonly blob: StoredBlob
  /** With the usual params, and with those for need. */
  jobs: { readonly usual: PieceJob; readonly fallback: PieceJob | undefined }
  readonly seconds: number
  /** Milliseconds since 1970. */
  readonly takenInAt: number
  /** By this node's monotonic clock, in seconds: when its first frame came in, and when it is to be on air. */
  readonly startAt: number
  onAirAt: number
  state: 'open' | 'packaging' | 'ready' | 'lost'
  packaged: Packaged | undefined
}

/** @throws MediaError for an input or params that cannot be used; JobError PEERS_MISSING; the signal's reason */
export async function stream(
  node: SwarmNode,
  request: StreamRequest,
  options: StreamOptions,
): Promise<StreamEnded> {
  const directory = join(node.workDir, 'live')
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  await openStreamDirectory(request.output)
  await waitForPeers(node.membership, request, options)
  const live = new LiveStream(node, request, directory, options)
  try {
    return await live.run()
  } finally {
    await live.stop()
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}

class LiveStream {
  readonly #node: SwarmNode
  readonly #request: StreamRequest
  readonly #directory: string
  readonly #options: StreamOptions
  readonly #over = new AbortController()
  readonly #signal: AbortSignal
  readonly #pending: Pending[] = []
  readonly #running = new Map<LiveAttempt, { over: AbortController; ended: Promise<void> }>()
  readonly #peers = new Map<string, Peer>()
  readonly #counters = {
    pieces: 0,
    frames: 0,
    duplicates: 0,
    fallbacks: 0,
    slates: 0,
    lost: 0,
    failures: 0,
    reconnects: 0,
  }
  readonly #builds: { usual: Build | undefined; fallback: Build | undefined } = {
    usual: undefined,
    fallback: undefined,
  }
  /** Pieces with which it was looked again what the input's pictures are. */
  readonly #renewed = new Set<number>()
  #scheduler: DeadlineScheduler | undefined
  #templates: { usual: Job; fallback: Job | undefined } | undefined
  #writer: HlsWriter | undefined
  #taking: Promise<void> = Promise.resolve()
  #publishing: Promise<void> | undefined
  #stopFollowing = () => {}
  /** Of the input that runs: by the monotonic clock, when the film's time was zero. */
  #zeroSeconds: number | undefined
  #began: number | undefined
  #fragments = 1
  #isEnded = false
  #reserve: number | null = null
  /** Undefined: it is being found. */
  #delay: number | undefined
  /** What the first pieces took from their first frame's coming in until they were ready. */
  readonly #took: number[] = []
  #traffic: ReturnType<SwarmNode['traffic']['since']>

  constructor(node: SwarmNode, request: StreamRequest, directory: string, options: StreamOptions) {
    this.#node = node
    this.#request = request
    this.#delay = request.delaySeconds === 'auto' ? undefined : request.delaySeconds
    this.#directory = directory
    this.#options = options
    this.#signal = AbortSignal.any([options.signal, this.#over.signal])
    this.#traffic = node.traffic.since()
  }

  async run(): Promise<StreamEnded> {
    const failed = Promise.withResolvers<never>()
    failed.promise.catch(() => {})
    const taken = this.#takeIn().then(
      () => {
        this.#isEnded = true
      },
      (error: unknown) => failed.reject(error),
    )
    await Promise.race([this.#broadcast(), failed.promise])
    await taken
    await this.#writer?.end()
    const { output } = this.#request
    return {
      event: 'ended',
      output,
      seconds: this.#seconds() - (this.#began ?? this.#seconds()),
      ...this.#counters,
    }
  }

  async stop(): Promise<void> {
    this.#stopFollowing()
    this.#over.abort(new Error('the stream has ended'))
    await Promise.allSettled([...this.#running.values()].map(({ ended }) => ended))
    await this.#taking.catch(() => {})
    await this.#publishing?.catch(() => {})
    for (const { blob } of this.#pending) await blob.remove().catch(() => {})
  }

  #seconds(): number {
    return this.#node.surroundings.now() / 1000
  }

  async #wait(delayMs: number): Promise<void> {
    // What it ended for is the reason, not that a timer was stopped.
    await sleep(delayMs, undefined, { signal: this.#signal }).catch(() => this.#signal.throwIfAborted())
  }

  #emit(event: LiveEvent): void {
    this.#options.emit(event)
  }

  /** Reads the input, again and again where it is to be waited for. */
  async #takeIn(): Promise<void> {
    const { input, audio, reconnects, segmentSeconds } = this.#request
    const targetSeconds = targetOf(segmentSeconds)
    const maker = new PieceMaker({
      ...{ pieceSeconds: segmentSeconds - 0.1, pieceSecondsMax: targetSeconds + 0.49 },
      onPiece: (piece) => {
        this.#taking = this.#taking.then(() => this.#take(piece))
        this.#taking.catch((error: unknown) => this.#over.abort(error))
      },
    })
    for (let wait = RECONNECT_SECONDS; ; wait = Math.min(2 * wait, RECONNECT_SECONDS_MAX)) {
      let isThere = false
      let failure: unknown
      try {
        const { stdin } = this.#options
        await ingest(
          this.#node.tools.ffmpeg,
          input,
          {
            onHeader: (header) => {
              this.#zeroSeconds = undefined
              maker.begin(header)
            },
            onFragment: (fragment) => {
              const { video } = fragment
              const scale = maker.timeScale
              if (this.#zeroSeconds === undefined && video !== undefined && scale !== undefined) {
                // The fragment is here when its last frame is.
                this.#zeroSeconds = this.#seconds() - Number(video.endDts) / scale
                this.#began ??= this.#seconds() - Number(video.endDts - video.startDts) / scale
              }
              isThere = true
              maker.add(fragment)
            },
          },
          { signal: this.#signal, audio, ...(stdin === undefined ? {} : { stdin }) },
        )
      } catch (error) {
        this.#signal.throwIfAborted()
        failure = error
      }
      maker.end()
      await this.#taking
      if (!reconnects) {
        if (failure !== undefined && !isThere) throw failure
        if (failure !== undefined)
          this.#emit({ event: 'warning', message: `the input broke off: ${messageOf(failure)}` })
        return
      }
      if (isThere) wait = RECONNECT_SECONDS
      const why = failure === undefined ? 'has ended' : `broke off (${messageOf(failure)})`
      this.#emit({ event: 'warning', message: `the input ${why}; it is looked for again in ${wait} s` })
      await this.#wait(wait * 1000)
      if (this.#began !== undefined) this.#counters.reconnects++
    }
  }

  /** One piece more: what it is as a task, and when it is to be on air. */
  async #take(piece: Piece): Promise<void> {
    if (this.#signal.aborted) return
    const path = await storePiece(this.#directory, piece)
    const templates = await this.#prepare(path)
    const usual = pieceJob(templates.usual, piece, path)
    if (usual === undefined) return
    const fallback = templates.fallback === undefined ? undefined : pieceJob(templates.fallback, piece, path)
    const { timeScale } = piece.header
    const startSeconds = Number(piece.startPts) / timeScale
    const zero = this.#zeroSeconds ?? this.#seconds() - startSeconds
    const [now, date] = [this.#seconds(), Date.now()]
    const startAt = zero + startSeconds
    const onAirAt = startAt + (this.#delay ?? Number.POSITIVE_INFINITY)
    const pending: Pending = {
      ...{ piece, path, blob: await this.#node.blobs.add(path), jobs: { usual, fallback } },
      seconds: Number(piece.endPts - piece.startPts) / timeScale,
      takenInAt: date + (startAt - now) * 1000,
      ...{ startAt, onAirAt, state: 'open', packaged: undefined },
    }
    this.#pending.push(pending)
    this.#tell(pending, 'in')
    this.#arrive(pending)
  }

  #arrive({ piece, onAirAt }: Pending): void {
    const deadline = onAirAt - PACKAGE_SECONDS
    this.#scheduler?.arrive({ index: piece.index, frames: piece.pts.length, deadline })
  }

  async #prepare(path: string): Promise<{ usual: Job; fallback: Job | undefined }> {
    if (this.#templates !== undefined) return this.#templates
    const { params, fallbackParams, input, output, segmentSeconds, hls, local } = this.#request
    const options = { signal: this.#signal, scratchDir: this.#directory }
    const usual = await prepareTemplate(this.#node, { path, params }, options)
    const fallback =
      fallbackParams === undefined
        ? undefined
        : await prepareTemplate(this.#node, { path, params: fallbackParams }, options)
    if (
      fallback !== undefined &&
      (fallback.picture !== usual.picture || fallback.params.encoder !== usual.params.encoder)
    ) {
      const detail =
        'they must make pictures of the same size and kind, with the same encoder, as --params does'
      throw new MediaError({ code: 'PARAMS_INVALID', option: '--fallback-params', detail })
    }
    this.#templates = { usual, fallback }
    const [, width = 0, height = 0] = (/^(\d+)x(\d+)/.exec(usual.picture) ?? []).map(Number)
    const rate = usual.source.video.averageFrameRate
    const framesPerSecond = rate === undefined || rate.den === 0 ? undefined : rate.num / rate.den
    if (this.#scheduler !== undefined) return this.#templates
    this.#scheduler = new DeadlineScheduler({
      hasFallback: fallback !== undefined,
      framesPerSecond: framesPerSecond ?? 25,
    })
    this.#writer = new HlsWriter(
      output,
      { ...hls, targetSeconds: targetOf(segmentSeconds) },
      { width, height, framesPerSecond },
    )
    this.#emit({
      ...{
        event: 'stream',
        input: input.url,
        output,
        params,
        encoder: usual.params.encoder,
        picture: usual.picture,
      },
      ...{ delaySeconds: this.#delay ?? null, segmentSeconds, coordinator: this.#node.peerId.toString() },
    })
    const own = this.#node.peerId.toString()
    this.#scheduler.addPeer(own, this.#node.capacity.slots, { isRescuer: local === 'never' })
    this.#stopFollowing = followPeers(this.#node.membership, usual.params.encoder, {
      emit: (event) => this.#emit(event),
      add: (peer) => {
        this.#peers.set(peer.id.toString(), peer)
        this.#scheduler?.addPeer(peer.id.toString(), Math.min(peer.hello.slots, SLOTS_MAX))
      },
      lose: (peer) => this.#lose(peer),
    })
    return this.#templates
  }

  #lose(peer: string): void {
    for (const attempt of this.#scheduler?.removePeer(peer) ?? []) {
      this.#running.get(attempt)?.over.abort(new Error('the node is out of reach'))
    }
  }

  /** Until the input has ended and all of it is on air. */
  async #broadcast(): Promise<void> {
    for (let tick = 0; !(this.#isEnded && this.#pending.length === 0); tick++) {
      // A film that is over before that goes on air as it is.
      const isMade = this.#pending.every(({ state }) => state === 'ready' || state === 'lost')
      if (this.#isEnded && this.#delay === undefined && isMade) this.#airAtOnce()
      await this.#wait(TICK_MS)
      const now = this.#seconds()
      for (const index of this.#scheduler?.late(now) ?? []) this.#makeUp(index)
      for (const attempt of this.#scheduler?.assign(now) ?? []) this.#begin(attempt)
      this.#publishing ??= this.#publish().finally(() => {
        this.#publishing = undefined
      })
      if (tick % TELL_EVERY_TICKS === 0) this.#tellAll()
    }
    await this.#publishing
  }

  #airAtOnce(): void {
    for (const pending of this.#pending) pending.onAirAt = this.#seconds()
  }

  #begin(attempt: LiveAttempt): void {
    const pending = this.#pending.find(({ piece }) => piece.index === attempt.piece.index)
    if (pending === undefined) return
    if (attempt.isDuplicate) this.#counters.duplicates++
    if (attempt.isFallback) this.#counters.fallbacks++
    const over = new AbortController()
    const ended = this.#encode(pending, attempt, AbortSignal.any([this.#signal, over.signal]))
    this.#running.set(attempt, { over, ended })
  }

  async #encode(pending: Pending, attempt: LiveAttempt, signal: AbortSignal): Promise<void> {
    const kind = attempt.isFallback && pending.jobs.fallback !== undefined ? 'fallback' : 'usual'
    const { job, task } = pending.jobs[kind] ?? pending.jobs.usual
    const path = join(this.#directory, `encoded-${task.index}-${attempt.number}.${job.container}`)
    const peer = this.#peers.get(attempt.peer)
    const executor =
      peer === undefined
        ? localExecutor(this.#node, job)
        : remoteExecutor(this.#node, job, pending.blob, peer)
    const about = { peer: attempt.peer, attempt: attempt.number }
    const flags = {
      ...(attempt.isFallback ? { isFallback: true as const } : {}),
      ...(attempt.isDuplicate ? { isDuplicate: true as const } : {}),
    }
    this.#tell(pending, 'assigned', { ...about, ...flags })
    try {
      const encoded = await executor.encode(task, {
        ...{ attempt: attempt.number, path, signal, bytesMax: segmentBytesMax(job.picture, task.frames) },
        onEncoding: () => this.#tell(pending, 'encoding', about),
        onProgress: (frames) => this.#scheduler?.progress(attempt, frames),
        onSlots: () => {},
        onEncoded: () => {
          this.#scheduler?.encoded(attempt, this.#seconds())
          this.#tell(pending, 'encoded', about)
        },
        onBrought: () => {},
        onDiskFull: () => Promise.reject(new Error('the disk is full')),
      })
      const wantedBuild = (made: Build) => (this.#builds[kind] ??= made)
      await verifySegment(this.#node.tools.ffprobe, job, { task, path, encoded }, wantedBuild, { signal })
      const needless = this.#scheduler?.verified(attempt)
      await encoded.accept().catch(() => {})
      if (needless === undefined || pending.state !== 'open') {
        await rm(path, { force: true })
        return
      }
      for (const other of needless) this.#running.get(other)?.over.abort(new Error('others were sooner'))
      this.#tell(pending, 'verified', { ...about, ...flags })
      await this.#package(pending, job, path)
    } catch (error) {
      await rm(path, { force: true }).catch(() => {})
      if (signal.aborted) {
        if (!this.#signal.aborted) this.#tell(pending, 'needless', about)
        return
      }
      const told = describeFailure(error)
      this.#counters.failures++
      this.#tell(pending, 'failed', { ...about, ...told })
      const isBusy = told.code === 'REFUSED'
      if (await this.#isOtherPicture(error, pending)) return
      if (isDraining(error)) this.#lose(attempt.peer)
      else this.#scheduler?.failed(attempt, this.#seconds(), { isBusy })
    } finally {
      this.#running.delete(attempt)
    }
  }

  /**
   * The input's pictures have become others: from this piece on the stream is as they are now.
   *
   * @returns whether the piece is begun anew
   */
  async #isOtherPicture(error: unknown, pending: Pending): Promise<boolean> {
    const isOther =
      error instanceof MediaError && (error.code === 'SEGMENT_PICTURE' || error.code === 'SEGMENT_LOOK')
    if (!isOther || this.#renewed.has(pending.piece.index)) return false
    this.#renewed.add(pending.piece.index)
    const before = this.#templates
    try {
      this.#templates = undefined
      const { usual, fallback } = await this.#prepare(pending.path)
      if (usual.picture === before?.usual.picture) return false
      for (const later of this.#pending) {
        if (later.piece.index < pending.piece.index || later.state !== 'open') continue
        for (const attempt of this.#scheduler?.drop(later.piece.index) ?? []) {
          this.#running.get(attempt)?.over.abort(new Error('the pictures are others now'))
        }
        const job = pieceJob(usual, later.piece, later.path)
        if (job === undefined) continue
        later.jobs = {
          usual: job,
          fallback: fallback === undefined ? undefined : pieceJob(fallback, later.piece, later.path),
        }
        this.#arrive(later)
      }
      this.#builds.usual = undefined
      this.#builds.fallback = undefined
      this.#emit({
        event: 'warning',
        message: `the input's pictures are ${usual.picture} from piece ${pending.piece.index} on`,
      })
      return true
    } catch (cause) {
      this.#signal.throwIfAborted()
      this.#templates = before
      this.#emit({
        event: 'warning',
        message: `the input's pictures have become others: ${messageOf(cause)}`,
      })
      return false
    }
  }

  /** The encoded pictures with their sound, ready for the air. */
  /** @param slateShift seconds by which its times are behind a segment's: those of a slate begin at zero */
  async #package(pending: Pending, job: Job, path: string, slateShift = 0): Promise<void> {
    pending.state = 'packaging'
    const { piece } = pending
    const timeScale = segmentTimeScale(job.film.timing.encoder)
    const soundStart = piece.own.find((fragment) => fragment.soundStart !== undefined)?.soundStart
    const soundPath = soundStart === undefined ? undefined : await storeSound(this.#directory, piece)
    try {
      const input = { segmentPath: path, container: job.container, soundPath, soundStart, timeScale }
      const options = { signal: this.#signal }
      const { ffmpeg } = this.#node.tools
      const shift = BigInt(SEGMENT_SHIFT_SECONDS * timeScale)
      const firstPts = (pending.jobs.usual.task.times[0] ?? shift) - shift
      pending.packaged = this.#request.isTransportStream
        ? await packageTransportStream(ffmpeg, input, SEGMENT_SHIFT_SECONDS - slateShift, options)
        : await packageSegment(ffmpeg, { ...input, firstPts }, options)
      pending.state = 'ready'
      if (this.#delay === undefined) this.#findDelay(this.#seconds() - pending.startAt)
      else this.#reserve = Math.round((pending.onAirAt - this.#seconds()) * 10) / 10
    } finally {
      await rm(path, { force: true })
      if (soundPath !== undefined) await rm(soundPath, { force: true })
    }
  }

  /** With some pieces made it is known how long one takes. */
  #findDelay(took: number): void {
    this.#took.push(took)
    if (this.#took.length < PIECES_MEASURED) return
    const delaySeconds = Math.ceil(2 * (Math.max(...this.#took) * SAFETY + PACKAGE_SECONDS)) / 2
    this.#delay = delaySeconds
    this.#emit({ event: 'delay', delaySeconds })
    for (const pending of this.#pending) {
      pending.onAirAt = pending.startAt + delaySeconds
      this.#scheduler?.retime(pending.piece.index, pending.onAirAt - PACKAGE_SECONDS)
    }
  }

  /** It is time, and nobody has it: the playlist goes on with a still picture. */
  #makeUp(index: number): void {
    const pending = this.#pending.find(({ piece }) => piece.index === index)
    for (const attempt of this.#scheduler?.drop(index) ?? []) {
      this.#running.get(attempt)?.over.abort(new Error('it is too late for that'))
    }
    if (pending === undefined || pending.state !== 'open') return
    pending.state = 'packaging'
    void this.#makeSlate(pending).catch((error: unknown) => {
      if (this.#signal.aborted) return
      pending.state = 'lost'
      this.#counters.lost++
      this.#tell(pending, 'lost', { detail: messageOf(error) })
    })
  }

  async #makeSlate(pending: Pending): Promise<void> {
    const { job } = pending.jobs.fallback ?? pending.jobs.usual
    const { picture, params, container, film } = job
    const outputPath = join(this.#directory, `slate-${pending.piece.index}.mp4`)
    await makeSlate(
      this.#node.tools.ffmpeg,
      {
        ...{
          picture,
          video: params.video,
          frames: pending.piece.pts.length,
          seconds: pending.seconds,
          outputPath,
        },
        timeScale: segmentTimeScale(film.timing.encoder),
      },
      { signal: this.#signal },
    )
    const slateShift = SEGMENT_SHIFT_SECONDS + Number(pending.piece.startPts) / pending.piece.header.timeScale
    await this.#package(
      pending,
      { ...job, container: container === 'mov' ? 'mp4' : container },
      outputPath,
      slateShift,
    )
    this.#counters.slates++
    this.#tell(pending, 'slate')
  }

  /** What is due, in order. */
  async #publish(): Promise<void> {
    for (let pending = this.#pending[0]; pending !== undefined; pending = this.#pending[0]) {
      const isDue = this.#seconds() >= pending.onAirAt
      if (!isDue || pending.state === 'open' || pending.state === 'packaging') return
      this.#pending.shift()
      await pending.blob.remove()
      await rm(pending.path, { force: true })
      const { packaged, piece, takenInAt, seconds } = pending
      if (packaged === undefined) continue
      if (packaged.header !== undefined) this.#fragments = numberFragments(packaged.bytes, this.#fragments)
      const { isDiscontinuous } = piece
      await this.#writer?.add({ ...packaged, seconds, takenInAt, isDiscontinuous })
      this.#counters.pieces++
      this.#counters.frames += piece.pts.length
      const delaySeconds = Math.round((this.#seconds() - pending.startAt) * 1000) / 1000
      this.#tell(pending, 'on-air', { delaySeconds })
    }
  }

  #tell({ piece, seconds }: Pending, state: PieceChanged['state'], more: Partial<PieceChanged> = {}): void {
    this.#emit({ event: 'piece', index: piece.index, frames: piece.pts.length, seconds, ...more, state })
  }

  #tellAll(): void {
    if (this.#began === undefined) return
    this.#emit({
      ...{ event: 'live', seconds: Math.round((this.#seconds() - this.#began) * 10) / 10, ...this.#counters },
      ...{ reserveSeconds: this.#reserve, waiting: this.#pending.length, ...this.#traffic.total },
    })
  }
}

/** No segment is longer, rounded: where keyframes come late, segments end without one. */
function targetOf(segmentSeconds: number): number {
  return Math.max(1, Math.ceil(segmentSeconds))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
