/** Where a task can be encoded: on this machine, straight from the file, or on a peer over the swarm's protocols. */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import {
  type ByteRange,
  digestFile,
  encodeSegment,
  fileUrl,
  type InspectedSegment,
  type Retiming,
} from '../../media/index.ts'
import type { SegmentAttempt, SegmentOffer, SegmentResult } from '../../protocols/segment/index.ts'
import type { StoredBlob } from '../blob-store.ts'
import { isErrno } from '../errno.ts'
import type { Peer } from '../membership.ts'
import type { SwarmNode } from '../node.ts'
import { SOFTWARE } from '../version.ts'
import { type Job, segmentTask } from './job.ts'
import type { Task } from './plan.ts'

export interface AttemptOptions {
  /** From 1. */
  readonly attempt: number
  /** Where the segment is to lie. */
  readonly path: string
  /** A peer that says it has more is not believed. */
  readonly bytesMax: number
  readonly signal: AbortSignal
  onEncoding(): void
  onProgress(frames: number): void
  /** How many tasks the node takes at once by now. */
  onSlots(slots: number): void
  /** The encoder is done and the slot free; the bytes may still have to come. */
  onEncoded(encodeSeconds: number): void
  /** @param part of the bytes that has come, from 0 to 1 */
  onBrought(part: number): void
  /** This machine's disk is full, and the bytes are still with the peer. @returns a promise of room */
  onDiskFull(): Promise<void>
}

export interface EncodedTask {
  readonly sizeBytes: number
  readonly sha256: string
  readonly encodeSeconds: number
  readonly cpuSeconds: number
  /** Which of the task's `seekPts` gave it. */
  readonly seekIndex: number
  /** How often ffmpeg complained about the source, as a single run would. */
  readonly complaints: number
  /** What this node itself has read of the file; of a peer's it must still do so. */
  readonly inspected: InspectedSegment | undefined
  /** The segment is verified and stored. */
  accept(): Promise<void>
  /** It is not what was asked for. */
  refuse(code: string): Promise<void>
}

export interface Executor {
  /** PeerId. */
  readonly peer: string
  readonly name: string
  readonly isLocal: boolean
  /** What it runs: `ffswarm/1.2.3`, and its ffmpeg's version. */
  readonly software: string
  readonly ffmpeg: string
  encode(task: Task, options: AttemptOptions): Promise<EncodedTask>
}

export function localExecutor(node: SwarmNode, job: Job): Executor {
  return {
    peer: node.peerId.toString(),
    name: 'this node',
    isLocal: true,
    software: SOFTWARE,
    ffmpeg: node.ffmpeg.version,
    async encode(task, options) {
      const { now } = node.surroundings
      const began = now()
      options.onEncoding()
      node.capacity.begin(task, job.id, began / 1000)
      const encoded = await encodeSegment(
        node.tools,
        segmentTask(job, task),
        { inputUrl: fileUrl(job.source.path), inputFd: job.source.fd, outputPath: options.path },
        {
          signal: options.signal,
          libavcodec: node.ffmpeg.libavcodec,
          onProgress({ frames }) {
            options.onProgress(frames)
            options.onSlots(node.capacity.slots)
          },
          onUsage: (usage) => node.capacity.use(task, usage, now() / 1000),
        },
      ).finally(() => node.capacity.end(task))
      const encodeSeconds = (now() - began) / 1000
      options.onEncoded(encodeSeconds)
      return {
        ...(await digestFile(options.path, options)),
        encodeSeconds,
        cpuSeconds: encoded.cpuSeconds,
        seekIndex: encoded.seekIndex,
        complaints: encoded.complaints,
        inspected: encoded.inspected,
        accept: async () => {},
        refuse: async () => {},
      }
    },
  }
}

export function remoteExecutor(node: SwarmNode, job: Job, sourceBlob: StoredBlob, peer: Peer): Executor {
  return {
    peer: peer.id.toString(),
    name: peer.hello.name,
    isLocal: false,
    software: peer.hello.software,
    ffmpeg: peer.hello.ffmpeg?.version ?? 'unknown',
    async encode(task, options) {
      sourceBlob.grant(peer.id)
      const attempt = await node.segment.offer(peer.id, toOffer(job, task, options.attempt, sourceBlob), {
        signal: options.signal,
        onAccepted: () => options.onEncoding(),
        onProgress({ frames, slots }) {
          options.onProgress(frames)
          if (slots !== undefined) options.onSlots(slots)
        },
      })
      try {
        return await collect(node, peer, attempt, options)
      } catch (error) {
        attempt.cancel()
        throw error
      }
    },
  }
}

/** What a worker is told of a task. */
export function toOffer(
  job: Job,
  task: Task,
  attempt: number,
  { id: blob, sizeBytes }: Pick<StoredBlob, 'id' | 'sizeBytes'>,
): SegmentOffer {
  const segment = segmentTask(job, task)
  return {
    job: job.id,
    task: task.index,
    attempt,
    source: {
      blob,
      sizeBytes,
      format: segment.format,
      stream: segment.stream,
      bytes: task.bytes === undefined ? null : toRange(task.bytes, sizeBytes),
      x264Build: segment.x264Build ?? null,
    },
    startPts: segment.startPts ?? null,
    endPts: segment.endPts ?? null,
    timeBase: [segment.timeBase.num, segment.timeBase.den],
    filtered:
      segment.filtered === undefined
        ? null
        : { startPts: segment.filtered.startPts ?? null, endPts: segment.filtered.endPts ?? null },
    retiming: segment.retiming === undefined ? null : toRetimingOffer(segment.retiming),
    encoderTimeBase: [segment.encoderTimeBase.num, segment.encoderTimeBase.den],
    zeroMicroseconds: segment.zeroMicroseconds,
    startMicroseconds: segment.startMicroseconds,
    seekPts: segment.seekPts.map((pts) => pts ?? null),
    expected: segment.expected,
    params: [...segment.video, ...(segment.filters === '' ? [] : ['-filter:v', segment.filters])],
    container: segment.container,
    inBandHeaders: segment.inBandHeaders,
  }
}

/** A file that has become shorter meanwhile is noticed elsewhere. */
function toRange({ start, end }: ByteRange, sizeBytes: number): [number, number] {
  return [Math.min(start, sizeBytes), Math.min(Math.max(start, end ?? sizeBytes), sizeBytes)]
}

function toRetimingOffer({ timeBase, firstPts, runs }: Retiming): NonNullable<SegmentOffer['retiming']> {
  return {
    timeBase: [timeBase.num, timeBase.den],
    firstPts: firstPts ?? null,
    runs: runs.map(([frames, times]): [number, number] => [frames, times]),
  }
}

/** At the end of what is written already. */
async function writeAll(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  const wanted = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const { bytesWritten } = await file.writev([...pieces])
  // A disk that is nearly full may take a part.
  if (bytesWritten < wanted) await file.writeFile(Buffer.concat(pieces).subarray(bytesWritten))
}

/**
 * Waits for the result and brings its bytes here, hashed on the way.
 *
 * @throws ProtocolError; an error with the code SEGMENT_SIZE or SHA256
 */
export async function collect(
  node: Pick<SwarmNode, 'blob'>,
  peer: Pick<Peer, 'id'>,
  attempt: SegmentAttempt,
  options: Omit<AttemptOptions, 'attempt' | 'onEncoding' | 'onProgress' | 'onSlots'>,
): Promise<EncodedTask> {
  const began = performance.now()
  const told = await attempt.result
  // What cannot be is not believed: it goes into reports.
  const longestMs = performance.now() - began + BEFORE_MS
  const encodeMs = Math.min(told.encodeMs, longestMs)
  const result = { ...told, encodeMs, cpuMs: Math.min(told.cpuMs, encodeMs * CORES_MAX) }
  options.onEncoded(result.encodeMs / 1000)
  if (result.sizeBytes > options.bytesMax) {
    await attempt.reject('SEGMENT_SIZE')
    const message = `the segment is said to have ${result.sizeBytes} bytes, more than its pictures take uncompressed`
    throw Object.assign(new Error(message), { code: 'SEGMENT_SIZE' })
  }
  const sha256 = await bring(node, peer, result, options)
  if (sha256 !== result.sha256) {
    await attempt.reject('SHA256')
    throw Object.assign(new Error('the bytes that arrived are not those that were sent'), { code: 'SHA256' })
  }
  return {
    sizeBytes: result.sizeBytes,
    sha256,
    encodeSeconds: result.encodeMs / 1000,
    cpuSeconds: result.cpuMs / 1000,
    seekIndex: result.seekIndex,
    complaints: result.complaints,
    inspected: undefined,
    accept: () => attempt.acknowledge(),
    refuse: (code) => attempt.reject(code),
  }
}

/** A task that is taken up again was begun before. */
const BEFORE_MS = 24 * 3_600_000
const CORES_MAX = 1_024

/** Brings a result's bytes to its place, from their beginning again when there is room once the disk was full. @returns their sha256 */
async function bring(
  node: Pick<SwarmNode, 'blob'>,
  peer: Pick<Peer, 'id'>,
  { blob, sizeBytes }: SegmentResult,
  {
    path,
    signal,
    onBrought,
    onDiskFull,
  }: Pick<AttemptOptions, 'path' | 'signal' | 'onBrought' | 'onDiskFull'>,
): Promise<string> {
  for (;;) {
    const hash = createHash('sha256')
    let broughtBytes = 0
    const file = await open(path, 'w')
    try {
      await node.blob.download(peer.id, blob, {
        ...{ sizeBytes, signal },
        async write(pieces) {
          for (const bytes of pieces) hash.update(bytes)
          await writeAll(file, pieces)
        },
        onBytes(bytes) {
          broughtBytes += bytes
          onBrought(broughtBytes / sizeBytes)
        },
      })
      return hash.digest('hex')
    } catch (error) {
      if (!isErrno(error, 'ENOSPC', 'EDQUOT')) throw error
      await file.truncate()
      await onDiskFull()
    } finally {
      await file.close()
    }
  }
}
