/**
 * Asks a worker to encode a synthetic stretch of video with the given parameters and to say how fast it was.
 *
 * @example
 *
 * ```ts
 * const node = await createLibp2p({ services: { benchmark: benchmark({ run: encodeTestPattern }) } })
 * const { fps } = await node.services.benchmark.measure(peer, request, { signal })
 * ```
 */

import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { ProtocolComponents } from '../streams.ts'
import { BenchmarkService } from './benchmark.ts'
import type { BenchmarkRequest, BenchmarkResult } from './messages.ts'

export interface BenchmarkInit {
  /** Does the work, one at a time. What it throws is reported by its `code` and message. */
  run?(
    request: BenchmarkRequest,
    peer: PeerId,
    options: { signal: AbortSignal },
  ): Promise<{ frames: number; seconds: number }>
}

export interface Benchmark {
  /**
   * @throws ProtocolError `REFUSED` (`BUSY`: another benchmark is running; `NOT_A_WORKER`), `FAILED`, `TIMEOUT`,
   * `DISCONNECTED`, `UNSUPPORTED_PROTOCOL`; the caller's abort reason
   */
  measure(peer: PeerId, request: BenchmarkRequest, options?: AbortOptions): Promise<BenchmarkResult>
}

export function benchmark(init: BenchmarkInit = {}): (components: ProtocolComponents) => Benchmark {
  return (components) => new BenchmarkService(components, init)
}

export { BENCHMARK_PROTOCOL } from './constants.ts'
export type { BenchmarkRequest, BenchmarkResult } from './messages.ts'
