/**
 * ffswarm from code: the same nodes and jobs as the command line's.
 *
 * ```ts
 * import { createNode } from 'ffswarm'
 *
 * const node = await createNode()
 * const done = await node.encode('film.mkv', 'film.mp4', { params: '-c:v libsvtav1 -crf 30', peers: 2 })
 * console.log(`${done.frames} frames in ${done.wallSeconds} s`)
 * await node.stop()
 * ```
 *
 * @module
 */
import { hostname } from 'node:os'
import * as swarm from './node/index.ts'
import { isPage, reportText } from './ui/report/index.ts'

export interface NodeOptions {
  /** `coordinator` (the default) starts jobs, `worker` works for others, `observer` looks at who is there. */
  role?: 'coordinator' | 'worker' | 'observer'
  /** What people call this node; by default the machine's name. */
  name?: string
  /** Where identities, unfinished jobs and the key lie; by default `FFSWARM_HOME`, or the user's data directory. */
  dataDir?: string
  /** Nodes of other swarms are not seen. */
  swarm?: string
  /** Only nodes with the same get in; by default the one that is stored, or none. */
  key?: string
  /** PeerIds: nobody else gets in; `paired` stands for the machines that were paired with this one. */
  allow?: readonly string[]
  /** PeerIds that do not get in. */
  deny?: readonly string[]
  /** Multiaddrs to listen on; by default a free port on all interfaces. */
  listen?: readonly string[]
  /** `host:port` or multiaddrs to dial, besides what is discovered. */
  connect?: readonly string[]
  /** False: neither looks for nodes nor is found by multicast DNS. */
  mdns?: boolean
  /** Segments to encode at once; by default what is measured to be best. */
  slots?: number
  /** A worker takes nothing while other programs use more cores than that. */
  maxLoad?: number
  /** Whether ffmpeg works in a sandbox: where the system has one (`auto`, the default), always, or never. */
  sandbox?: swarm.SandboxMode
  /** What a worker is told to do, and what becomes of it. */
  onTask?(event: swarm.WorkerTaskEvent): void
  /** Ends the start. */
  signal?: AbortSignal
}

export interface EncodeOptions {
  /** FFmpeg output options, as one types them; by default `-c:v libx264 -preset fast`. */
  params?: string
  /** Other nodes to wait for first; by default whoever is there is used. */
  peers?: number
  /** Seconds to wait for them; 60 by default. */
  waitSeconds?: number
  /** Seconds of film of a node's first segment, which measures it; 8 by default. False: all nodes are taken for equal at first. */
  benchmarkSeconds?: number | false
  /** The length of all segments; by default it goes by the nodes' speed. */
  segmentSeconds?: number
  /** Whether to encode here: `auto` (the default) does unless a worker on this machine already has its CPUs. */
  local?: 'auto' | 'always' | 'never'
  /** How to check the output: the `times` of its frames, or `full`, with its pictures. `times`, but for a report that is a page. */
  verify?: swarm.VerifyLevel
  /** Whether to replace an existing output. */
  overwrite?: boolean
  /** Use nodes whose encoder builds make other parameter sets too. */
  mixedBuilds?: boolean
  /** Where to write a report on the job: `.html` is a page, anything else JSON. */
  report?: string
  /** All that happens, in order. */
  onEvent?(event: swarm.JobEvent): void
  /** Ends the job; what is done of it is kept, and the same call goes on from there. */
  signal?: AbortSignal
}

export interface FfswarmNode {
  /** PeerId. */
  readonly id: string
  /** Multiaddrs at which it listens. */
  readonly addresses: readonly string[]
  /** Whoever is on the network can take part in its swarm. */
  readonly isOpen: boolean
  /** Who is there now; asks each once more. */
  peers(options?: { signal?: AbortSignal }): Promise<readonly swarm.PeerRow[]>
  /**
   * Encodes a file over the swarm. One job at a time; of a job that was interrupted the finished segments are not encoded again.
   *
   * @throws MediaError, JobError, OutputError, NetworkError, or UnfinishedError, with one of these as its cause, where segments are kept;
   * the signal's reason. An existing output is as it was then.
   */
  encode(inputPath: string, outputPath: string, options?: EncodeOptions): Promise<swarm.JobDone>
  /** A worker takes no new tasks; resolves when what runs is done and with its coordinators. */
  drain(): Promise<void>
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts a node. It runs until it is stopped.
 *
 * @throws MediaError TOOL_MISSING or TOOL_UNUSABLE; NetworkError; the signal's reason
 */
export async function createNode(options: NodeOptions = {}): Promise<FfswarmNode> {
  const { signal = new AbortController().signal, role = 'coordinator', name = hostname(), ...init } = options
  const node = await swarm.createNode({ role, name: name.slice(0, 64), ...init }, swarm.surroundings(), {
    signal,
  })
  const stop = () => node.stop()
  return {
    id: node.peerId.toString(),
    get addresses() {
      return node.libp2p.getMultiaddrs().map(String)
    },
    isOpen: node.isOpen,
    async peers(asked = {}) {
      const deadline = AbortSignal.timeout(REFRESH_MS)
      const both = asked.signal === undefined ? deadline : AbortSignal.any([asked.signal, deadline])
      // One that does not answer stays as it was.
      await node.membership.refresh({ signal: both }).catch(() => asked.signal?.throwIfAborted())
      return node.membership.peers.map(swarm.peerRow)
    },
    encode: (inputPath, outputPath, asked = {}) =>
      swarm.encode(node, toRequest(inputPath, outputPath, asked), {
        signal: asked.signal ?? new AbortController().signal,
        emit: (event) => asked.onEvent?.(event),
        writeReport: (path, report) => reportText(path, report, swarm.withReport),
      }),
    drain: () => node.drain(),
    ...{ stop, [Symbol.asyncDispose]: stop },
  }
}

const REFRESH_MS = 5_000

function toRequest(inputPath: string, outputPath: string, asked: EncodeOptions): swarm.EncodeRequest {
  const { benchmarkSeconds = swarm.BENCHMARK_SECONDS_DEFAULT, report } = asked
  return {
    ...{ inputPath, outputPath, params: asked.params, mixedBuilds: asked.mixedBuilds },
    ...{ overwrite: asked.overwrite === true, atKeyframes: true, local: asked.local ?? 'auto' },
    ...{ peers: asked.peers, waitSeconds: asked.waitSeconds ?? swarm.WAIT_SECONDS_DEFAULT },
    benchmarkSeconds: benchmarkSeconds === false ? undefined : benchmarkSeconds,
    ...{ segmentSeconds: asked.segmentSeconds, reportPath: report },
    verify: asked.verify ?? (isPage(report ?? '') ? 'full' : 'times'),
  }
}

export interface VerifyOptions {
  /** What the file was made with; by default what the report says, or nobody knows. */
  params?: string
  /** Of the job that made it, JSON or a page: tells params and seams. */
  report?: string
  /** `full` by default: its pictures too. */
  level?: swarm.VerifyLevel
  signal?: AbortSignal
}

/**
 * Whether a file is exactly what its source and the params make, whoever made it.
 *
 * @throws MediaError, JobError where there is nothing to compare; what is wrong with the file is in the result
 */
export async function verify(
  outputPath: string,
  sourcePath: string,
  { params, report, level = 'full', signal = new AbortController().signal }: VerifyOptions = {},
): Promise<swarm.Verification> {
  const request = { outputPath, sourcePath, params, reportPath: report, level }
  return await swarm.verifyFile(swarm.surroundings(), request, { signal })
}
