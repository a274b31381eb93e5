/** Where a task can be encoded: on this machine, straight from the file, or on a peer over the swarm's protocols. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { digestFile, encodeSegment, fileUrl, type InspectedSegment } from '../../media/index.ts'
import type { SegmentAttempt } from '../../protocols/segment/index.ts'
import type { StoredBlob } from '../blob-store.ts'
import type { Peer } from '../membership.ts'
import type { SwarmNode } from '../node.ts'
import type { Job } from './job.ts'
import type { Task } from './plan.ts'

export interface AttemptOptions {
  /** From 1. */
  readonly attempt: number
  /** Where the segment is to lie. */
  readonly path: string
  readonly signal: AbortSignal
  onEncoding(): void
  onProgress(frames: number): void
  /** The encoder is done and the slot free; the bytes may still have to come. */
  onEncoded(encodeSeconds: number): void
}

export interface EncodedTask {
  readonly sizeBytes: number
  readonly sha256: string
  readonly encodeSeconds: number
  readonly cpuSeconds: number
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
  encode(task: Task, options: AttemptOptions): Promise<EncodedTask>
}

export function localExecutor(node: SwarmNode, job: Job): Executor {
  return {
    peer: node.peerId.toString(),
    name: 'this node',
    isLocal: true,
    async encode(task, options) {
      const { now } = node.surroundings
      const began = now()
      options.onEncoding()
      const encoded = await encodeSegment(
        node.tools,
        {
          ...task,
          format: job.source.format,
          stream: job.source.video.index,
          timeBase: job.timing.source,
          encoderTimeBase: job.timing.encoder,
          zeroMicroseconds: job.timing.zeroMicroseconds,
          video: job.params.video,
          container: job.container,
        },
        { inputUrl: fileUrl(job.source.path), outputPath: options.path },
        { signal: options.signal, onProgress: ({ frames }) => options.onProgress(frames) },
      )
      const encodeSeconds = (now() - began) / 1000
      options.onEncoded(encodeSeconds)
      return {
        ...(await digestFile(options.path, options)),
        encodeSeconds,
        cpuSeconds: encoded.cpuSeconds,
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
    async encode(task, options) {
      sourceBlob.grant(peer.id)
      const attempt = await node.segment.offer(
        peer.id,
        {
          job: job.id,
          task: task.index,
          attempt: options.attempt,
          source: {
            blob: sourceBlob.id,
            sizeBytes: sourceBlob.sizeBytes,
            format: job.source.format,
            stream: job.source.video.index,
          },
          startPts: task.startPts ?? null,
          endPts: task.endPts ?? null,
          timeBase: [job.timing.source.num, job.timing.source.den],
          encoderTimeBase: [job.timing.encoder.num, job.timing.encoder.den],
          zeroMicroseconds: job.timing.zeroMicroseconds,
          seekPts: task.seekPts.map((pts) => pts ?? null),
          expected: task.expected,
          params: [...job.params.video],
          container: job.container,
        },
        {
          signal: options.signal,
          onAccepted: () => options.onEncoding(),
          onProgress: ({ frames }) => options.onProgress(frames),
        },
      )
      try {
        return await collect(node, peer, attempt, options)
      } catch (error) {
        attempt.cancel()
        throw error
      }
    },
  }
}

/** Waits for the result and brings its bytes here, hashed on the way. */
async function collect(
  node: SwarmNode,
  peer: Peer,
  attempt: SegmentAttempt,
  options: AttemptOptions,
): Promise<EncodedTask> {
  const result = await attempt.result
  options.onEncoded(result.encodeMs / 1000)
  const hash = createHash('sha256')
  const file = await open(options.path, 'w')
  try {
    await node.blob.download(peer.id, result.blob, {
      sizeBytes: result.sizeBytes,
      signal: options.signal,
      async write(bytes) {
        hash.update(bytes)
        await file.writeFile(bytes)
      },
    })
  } finally {
    await file.close()
  }
  const sha256 = hash.digest('hex')
  if (sha256 !== result.sha256) {
    await attempt.reject('SHA256')
    throw Object.assign(new Error('the bytes that arrived are not those that were sent'), { code: 'SHA256' })
  }
  return {
    sizeBytes: result.sizeBytes,
    sha256,
    encodeSeconds: result.encodeMs / 1000,
    cpuSeconds: result.cpuMs / 1000,
    inspected: undefined,
    accept: () => attempt.acknowledge(),
    refuse: (code) => attempt.reject(code),
  }
}
