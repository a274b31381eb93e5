/** Measures this node and its peers with a test pattern. Jobs do not need it: a peer's first segment measures it. */
import {
  encodeTestPattern,
  parseParams,
  readEncoder,
  splitParams,
  type Tool,
  videoArguments,
} from '../media/index.ts'
import type { BenchmarkRequest } from '../protocols/benchmark/index.ts'
import { DEFAULT_PARAMS } from './coordinator/job.ts'
import type { SwarmNode } from './node.ts'

export interface BenchmarkWish {
  readonly params: string | undefined
  readonly seconds: number
  readonly width: number
  readonly height: number
}

export interface BenchmarkRow {
  /** PeerId. */
  readonly peer: string
  readonly name: string
  readonly result: { frames: number; seconds: number; fps: number } | { code: string; message: string }
}

/** One node after the other, so that two on one machine do not measure each other. */
export async function benchmarkSwarm(
  node: SwarmNode,
  wish: BenchmarkWish,
  options: { signal: AbortSignal },
): Promise<BenchmarkRow[]> {
  const params = await parseParams(splitParams(wish.params ?? DEFAULT_PARAMS), {
    defaultEncoder: 'libx264',
    ffmpegPath: node.tools.ffmpeg.path,
    findEncoder: (encoder) => readEncoder(node.tools.ffmpeg, encoder, options),
  })
  const { seconds, width, height } = wish
  const request: BenchmarkRequest = {
    params: videoArguments(params),
    width,
    height,
    frameRate: [25, 1],
    seconds,
  }
  const { now } = node.surroundings
  const rows = [
    await row(node.peerId.toString(), 'this node', async () => {
      const measured = await runBenchmark(node.tools.ffmpeg, request, { ...options, now })
      return { ...measured, fps: measured.frames / Math.max(measured.seconds, 1e-3) }
    }),
  ]
  for (const peer of node.membership.peers) {
    if (peer.hello.role !== 'worker') continue
    rows.push(
      await row(peer.id.toString(), peer.hello.name, () => node.benchmark.measure(peer.id, request, options)),
    )
  }
  options.signal.throwIfAborted()
  return rows
}

/** The worker's side: reads the params by its own grammar before ffmpeg sees them. */
export async function runBenchmark(
  ffmpeg: Tool,
  request: BenchmarkRequest,
  options: { signal: AbortSignal; now(): number },
): Promise<{ frames: number; seconds: number }> {
  const params = await parseParams(request.params, {
    defaultEncoder: '',
    scope: 'segment',
    ffmpegPath: ffmpeg.path,
    findEncoder: (encoder) => readEncoder(ffmpeg, encoder, options),
  })
  const [num, den] = request.frameRate
  return await encodeTestPattern(
    ffmpeg,
    { ...request, frameRate: { num, den }, video: videoArguments(params) },
    options,
  )
}

async function row(
  peer: string,
  name: string,
  measure: () => Promise<{ frames: number; seconds: number; fps: number }>,
): Promise<BenchmarkRow> {
  try {
    const { frames, seconds, fps } = await measure()
    return { peer, name, result: { frames, seconds, fps } }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'INTERNAL'
    return { peer, name, result: { code, message: error instanceof Error ? error.message : String(error) } }
  }
}
