/** The worker: takes offers while it has a free slot, encodes each segment from its coordinator's file, keeps results. */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PeerId } from '@libp2p/interface'
import {
  digestFile,
  type Encoder,
  encoderArguments,
  encodeSegment,
  type FFmpegCapabilities,
  type LocatedTools,
  parseParams,
  readEncoder,
  SEGMENT_CONTAINERS,
  type SegmentTask,
  whyFormatRefused,
} from '../../media/index.ts'
import type { Blob } from '../../protocols/blob/index.ts'
import type {
  SegmentContext,
  SegmentHandler,
  SegmentOffer,
  SegmentOutcome,
  SegmentResult,
} from '../../protocols/segment/index.ts'
import type { BlobStore, StoredBlob } from '../blob-store.ts'
import type { Capacity } from '../capacity.ts'
import { isDiskFull, ROOM_BYTES, waitForSpace } from '../disk-space.ts'
import { FairShare } from './fair-share.ts'
import { RemoteSources } from './remote-sources.ts'
import type { SourceProxy } from './source-proxy.ts'
import { limitTime, TASK_LIMITS } from './time-limit.ts'

export interface WorkerEvents {
  /** A task was taken, finished (`frames`) or lost. */
  onTask?(event: WorkerTaskEvent): void
}

export interface WorkerTaskEvent {
  readonly coordinator: string
  readonly job: string
  readonly task: number
  readonly state: 'started' | 'encoded' | 'acknowledged' | 'rejected' | 'cancelled' | 'failed' | 'lost'
  readonly frames?: number
  readonly detail?: string
}

export interface WorkerInit extends WorkerEvents {
  tools: LocatedTools
  ffmpeg: Pick<FFmpegCapabilities, 'libavcodec'>
  capacity: Capacity
  /** A directory of this node's own. */
  workDir: string
  blobs: BlobStore
  proxy: SourceProxy
  now(): number
  /** Whether others use more of the machine than its owner wants to share. */
  isLoaded(): boolean
}

interface Running {
  readonly coordinator: string
  /** Seconds on the node's clock. */
  readonly began: number
  frames: number
}

/** A coordinator that counts with a task's last second offers the next one; its clock and ours may differ somewhat. */
const ENDING_SECONDS = 2

/** Results of one coordinator that lie here until it has them: it asks for no more than three before it has the first. */
const HELD_PER_SLOT = 8

interface Held {
  readonly coordinator: string
  readonly blob: StoredBlob
  readonly path: string
}

/** A node that is to end waits no longer for a coordinator that does nothing with its results. */
const UNFETCHED_SECONDS = 45

export class Worker implements SegmentHandler {
  readonly #init: WorkerInit
  #sources: RemoteSources | undefined
  readonly #held = new Map<SegmentOffer, Held>()
  readonly #encoders = new Map<string, Promise<Encoder | undefined>>()
  readonly #share: FairShare
  /** What is being encoded. */
  readonly #running = new Map<SegmentOffer, Running>()
  /** What of it has a slot: all but what waits for a coordinator that is out of reach. */
  readonly #occupying = new Set<SegmentOffer>()
  /** Offers that were taken and are not settled: their segments are being encoded, or their coordinators have not got them yet. */
  #unsettled = 0
  #draining = false
  /** When bytes of a result were last sent, in seconds. */
  #fetchedAt = 0
  #isDiskFull = false
  readonly #stopped = new AbortController()
  readonly #drained = Promise.withResolvers<void>()

  constructor(init: WorkerInit) {
    this.#init = init
    this.#share = new FairShare(() => init.capacity.slots)
  }

  /** The protocol it reads sources with exists only once the libp2p node does. */
  attach(blob: Blob): void {
    this.#sources = new RemoteSources(blob, this.#init.proxy)
  }

  get slots(): number {
    return this.#init.capacity.slots
  }

  get busySlots(): number {
    return Math.min(this.#share.tasks, this.slots)
  }

  /** Tasks at hand by coordinator, the most first. */
  get serving(): readonly [coordinator: string, tasks: number][] {
    return this.#share.serving
  }

  get state(): 'idle' | 'working' | 'draining' {
    if (this.#draining) return 'draining'
    return this.#share.tasks > 0 ? 'working' : 'idle'
  }

  /** @returns a promise of the moment when all that was begun is in its coordinators' hands */
  drain(): Promise<void> {
    this.#draining = true
    if (this.#unsettled === 0) this.#drained.resolve()
    this.#fetchedAt = this.#seconds()
    const timer = setInterval(() => {
      // Whoever fetches nothing of what is done, nor says that it has it, is not waited for.
      if (this.#running.size > 0) this.#fetchedAt = this.#seconds()
      if (this.#seconds() - this.#fetchedAt > UNFETCHED_SECONDS) this.#drained.resolve()
    }, 1_000)
    return this.#drained.promise.finally(() => clearInterval(timer))
  }

  /** Bytes of results go out. */
  onFetched(): void {
    this.#fetchedAt = this.#seconds()
  }

  admit(offer: SegmentOffer, peer: PeerId): { code: string; message: string } | undefined {
    if (this.#draining) return { code: 'DRAINING', message: 'this node takes no more work' }
    if (this.#isDiskFull) return { code: 'DISK_FULL', message: 'its disk is full' }
    if (this.#init.isLoaded()) return { code: 'LOADED', message: 'its owner needs the machine' }
    if (!SEGMENT_CONTAINERS.some((container) => container === offer.container)) {
      return { code: 'CONTAINER', message: `segments in ${offer.container} are not made here` }
    }
    // A list of files or a script would have ffmpeg open what it names.
    const why = whyFormatRefused(offer.source.format)
    if (why !== undefined) return { code: 'FORMAT', message: why }
    // Last of all: who is refused a slot is remembered, and has a better claim.
    const coordinator = peer.toString()
    const held = [...this.#held.values()].filter((one) => one.coordinator === coordinator)
    if (held.length >= HELD_PER_SLOT * this.slots) {
      return { code: 'BUSY', message: 'so many of its results wait here to be acknowledged' }
    }
    if (!this.#share.admits(coordinator, this.#seconds(), this.#ending(coordinator))) {
      return { code: 'BUSY', message: 'all slots are taken, or promised to another coordinator' }
    }
    this.#unsettled++
    return undefined
  }

  async onOffer(offer: SegmentOffer, peer: PeerId, context: SegmentContext): Promise<SegmentResult> {
    this.#occupy(offer, peer)
    this.#running.set(offer, { coordinator: peer.toString(), began: this.#seconds(), frames: 0 })
    this.#tell(offer, peer, { state: 'started' })
    try {
      return await this.#encode(offer, peer, context)
    } finally {
      this.#running.delete(offer)
      this.#vacate(offer, peer)
    }
  }

  /** Nobody waits for a slot in which the dead job of a coordinator hangs, until that is given up. */
  onAway(offer: SegmentOffer, peer: PeerId, isAway: boolean): void {
    if (!this.#running.has(offer)) return
    if (isAway) this.#vacate(offer, peer)
    else this.#occupy(offer, peer)
  }

  #occupy(offer: SegmentOffer, peer: PeerId): void {
    const coordinator = peer.toString()
    const now = this.#seconds()
    this.#occupying.add(offer)
    this.#share.begin(coordinator, now)
    this.#init.capacity.begin(offer, `${coordinator} ${offer.job}`, now)
  }

  #vacate(offer: SegmentOffer, peer: PeerId): void {
    if (!this.#occupying.delete(offer)) return
    this.#init.capacity.end(offer)
    this.#share.end(peer.toString(), this.#seconds())
  }

  /** How many of a coordinator's tasks are nearly done. */
  #ending(wanted: string): number {
    const now = this.#seconds()
    return [...this.#running].filter(([{ expected }, { coordinator, began, frames }]) => {
      const secondsLeft = ((expected.frames - frames) * (now - began)) / frames
      return coordinator === wanted && frames > 0 && secondsLeft < ENDING_SECONDS
    }).length
  }

  #seconds(): number {
    return this.#init.now() / 1000
  }

  onSettled(offer: SegmentOffer, peer: PeerId, outcome: SegmentOutcome): void {
    this.#tell(offer, peer, { state: outcome })
    void this.#forget(offer)
    this.#unsettled--
    if (this.#draining && this.#unsettled === 0) this.#drained.resolve()
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new Error('this node is stopping'))
    await Promise.all([...this.#held.keys()].map((offer) => this.#forget(offer)))
    await this.#sources?.stop()
  }

  async #encode(offer: SegmentOffer, peer: PeerId, context: SegmentContext): Promise<SegmentResult> {
    const { tools, ffmpeg, workDir, blobs, now, capacity } = this.#init
    const sources = this.#sources
    if (sources === undefined) throw new Error('the worker is not attached to a node')
    const task = await this.#toTask(offer)
    const path = join(workDir, `${randomBytes(8).toString('hex')}.${task.container}`)
    const began = now()
    const borrowed = await sources.borrow(peer, offer.source.blob, {
      signal: context.signal,
      sizeBytes: offer.source.sizeBytes,
      needed: offer.source.bytes ?? undefined,
    })
    const limit = limitTime(TASK_LIMITS)
    const signal = AbortSignal.any([context.signal, limit.signal])
    try {
      const encoded = await encodeSegment(
        tools,
        task,
        { inputUrl: borrowed.url, inputOptions: borrowed.inputOptions, outputPath: path },
        {
          signal,
          libavcodec: ffmpeg.libavcodec,
          isWaiting: borrowed.isWaiting,
          onProgress: ({ frames }) => {
            limit.onProgress(frames, borrowed.isWaiting())
            const running = this.#running.get(offer)
            if (running !== undefined) running.frames = frames
            const fps = (frames * 1000) / Math.max(1, now() - began)
            context.onProgress({ frames, fps, slots: capacity.slots })
          },
          onUsage(usage) {
            if (borrowed.isWaiting()) capacity.starve(offer)
            else capacity.use(offer, usage, now() / 1000)
          },
        },
      )
      const encodeMs = now() - began
      const digest = await digestFile(path, { signal: context.signal })
      const blob = await blobs.add(path)
      blob.grant(peer)
      this.#held.set(offer, { coordinator: peer.toString(), blob, path })
      this.#tell(offer, peer, { state: 'encoded', frames: encoded.frames })
      return {
        blob: blob.id,
        sizeBytes: digest.sizeBytes,
        sha256: digest.sha256,
        frames: encoded.frames,
        encodeMs,
        seekIndex: encoded.seekIndex,
        complaints: encoded.complaints,
        cpuMs: Math.round(encoded.cpuSeconds * 1000),
      }
    } catch (error) {
      await rm(path, { force: true })
      if (!isDiskFull(error)) throw error
      void this.#waitForSpace()
      throw Object.assign(new Error(`no space left in ${workDir}`, { cause: error }), { code: 'DISK_FULL' })
    } finally {
      limit.end()
      borrowed.release()
    }
  }

  /** Takes nothing until there is room. */
  async #waitForSpace(): Promise<void> {
    if (this.#isDiskFull) return
    this.#isDiskFull = true
    const { signal } = this.#stopped
    await waitForSpace(this.#init.workDir, ROOM_BYTES, { signal }).catch(() => {})
    this.#isDiskFull = false
  }

  /** Reads the offer's options by this node's own grammar, so that nothing reaches ffmpeg that it does not know. */
  async #toTask(offer: SegmentOffer): Promise<SegmentTask> {
    const { tools } = this.#init
    const params = await parseParams(offer.params, {
      defaultEncoder: '',
      scope: 'segment',
      ffmpegPath: tools.ffmpeg.path,
      findEncoder: (encoder) => this.#findEncoder(encoder),
    })
    const container = SEGMENT_CONTAINERS.find((name) => name === offer.container)
    if (container === undefined) throw new RangeError('admit lets no other container in')
    return {
      format: offer.source.format,
      stream: offer.source.stream,
      timeBase: { num: offer.timeBase[0], den: offer.timeBase[1] },
      encoderTimeBase: { num: offer.encoderTimeBase[0], den: offer.encoderTimeBase[1] },
      zeroMicroseconds: offer.zeroMicroseconds,
      startMicroseconds: offer.startMicroseconds,
      x264Build: offer.source.x264Build ?? undefined,
      startPts: offer.startPts ?? undefined,
      endPts: offer.endPts ?? undefined,
      filtered:
        offer.filtered === null
          ? undefined
          : {
              startPts: offer.filtered.startPts ?? undefined,
              endPts: offer.filtered.endPts ?? undefined,
            },
      seekPts: offer.seekPts.map((pts) => pts ?? undefined),
      expected: offer.expected,
      video: encoderArguments(params),
      filters: params.filters.text,
      retiming:
        offer.retiming === null
          ? undefined
          : {
              timeBase: { num: offer.retiming.timeBase[0], den: offer.retiming.timeBase[1] },
              firstPts: offer.retiming.firstPts ?? undefined,
              runs: offer.retiming.runs,
            },
      container,
      inBandHeaders: offer.inBandHeaders,
    }
  }

  #findEncoder(encoder: string): Promise<Encoder | undefined> {
    if (!/^[a-z0-9][a-z0-9_-]{0,63}$/i.test(encoder)) return Promise.resolve(undefined)
    const known = this.#encoders.get(encoder)
    if (known !== undefined) return known
    const asked = readEncoder(this.#init.tools.ffmpeg, encoder)
    this.#encoders.set(encoder, asked)
    asked.catch(() => this.#encoders.delete(encoder))
    return asked
  }

  async #forget(offer: SegmentOffer): Promise<void> {
    const held = this.#held.get(offer)
    if (held === undefined) return
    this.#held.delete(offer)
    await held.blob.remove()
    await rm(held.path, { force: true })
  }

  #tell(
    offer: SegmentOffer,
    peer: PeerId,
    event: Pick<WorkerTaskEvent, 'state'> & Partial<WorkerTaskEvent>,
  ): void {
    this.#init.onTask?.({ coordinator: peer.toString(), job: offer.job, task: offer.task, ...event })
  }
}
