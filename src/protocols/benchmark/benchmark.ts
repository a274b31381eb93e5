/** Both ends of the benchmark protocol. */

import type { AbortOptions, Connection, PeerId, Startable, Stream } from '@libp2p/interface'
import { withDeadline, withSignals } from '../deadline.ts'
import { ProtocolError, tellFailure } from '../errors.ts'
import { encodeMessage, messageStream, readMessage, writeMessage } from '../messages.ts'
import { converse, handleStreams, openStream, type ProtocolComponents } from '../streams.ts'
import {
  BENCHMARK_GRACE_MS,
  BENCHMARK_PROTOCOL,
  BENCHMARK_REQUEST_BYTES_MAX,
  BENCHMARK_RESPONSE_BYTES_MAX,
  BENCHMARK_SEND_TIMEOUT_MS,
  BENCHMARK_STREAMS_MAX,
} from './constants.ts'
import type { Benchmark, BenchmarkInit } from './index.ts'
import {
  type BenchmarkRequest,
  type BenchmarkResponse,
  type BenchmarkResult,
  benchmarkRequest,
  benchmarkResponse,
} from './messages.ts'

/** Codes of a node that did not try, as against one that tried and failed. */
const REFUSALS = new Set(['BUSY', 'NOT_A_WORKER'])

export class BenchmarkService implements Benchmark, Startable {
  readonly [Symbol.toStringTag] = '@ffswarm/benchmark'
  readonly #components: ProtocolComponents
  readonly #init: BenchmarkInit
  #stopping = new AbortController()
  #busy = false

  constructor(components: ProtocolComponents, init: BenchmarkInit) {
    this.#components = components
    this.#init = init
  }

  async start(): Promise<void> {
    this.#stopping = new AbortController()
    await handleStreams(this.#components, BENCHMARK_PROTOCOL, this.#onStream, BENCHMARK_STREAMS_MAX)
  }

  async stop(): Promise<void> {
    await this.#components.registrar.unhandle(BENCHMARK_PROTOCOL)
    this.#stopping.abort(new ProtocolError({ code: 'DISCONNECTED', detail: 'this node is stopping' }))
  }

  async measure(
    peer: PeerId,
    request: BenchmarkRequest,
    options: AbortOptions = {},
  ): Promise<BenchmarkResult> {
    const bytes = encodeMessage(benchmarkRequest, request)
    const response = await withDeadline(
      'finish the benchmark',
      deadlineMs(request),
      options,
      async (signal) => {
        const stream = await openStream(this.#components, peer, BENCHMARK_PROTOCOL, { signal })
        return await converse(stream, { signal }, async () => {
          const messages = messageStream(stream, BENCHMARK_RESPONSE_BYTES_MAX)
          await messages.write(bytes, { signal })
          return await readMessage(messages, benchmarkResponse, { signal })
        })
      },
    )
    if (!('code' in response)) return response
    throw new ProtocolError({
      code: REFUSALS.has(response.code) ? 'REFUSED' : 'FAILED',
      reason: response.code,
      detail: response.message,
    })
  }

  readonly #onStream = async (stream: Stream, connection: Connection): Promise<void> => {
    const stopping = { signal: this.#stopping.signal }
    const messages = messageStream(stream, BENCHMARK_REQUEST_BYTES_MAX)
    const request = await withDeadline('ask', BENCHMARK_SEND_TIMEOUT_MS, stopping, async (signal) => {
      return await readMessage(messages, benchmarkRequest, { signal })
    })
    const response = await this.#respond(request, connection.remotePeer, stream)
    await withDeadline('take the response', BENCHMARK_SEND_TIMEOUT_MS, stopping, async (signal) => {
      await converse(stream, { signal }, async () => {
        await writeMessage(messages, benchmarkResponse, response, { signal })
      })
    })
  }

  async #respond(request: BenchmarkRequest, peer: PeerId, stream: Stream): Promise<BenchmarkResponse> {
    const { run } = this.#init
    if (run === undefined) return { code: 'NOT_A_WORKER', message: 'this node runs no benchmarks' }
    if (this.#busy) return { code: 'BUSY', message: 'another benchmark is running' }
    this.#busy = true
    const gone = new AbortController()
    const onClose = () =>
      gone.abort(new ProtocolError({ code: 'DISCONNECTED', detail: 'nobody waits for it' }))
    stream.addEventListener('close', onClose, { once: true })
    const deadline = setTimeout(onClose, deadlineMs(request))
    try {
      return await withSignals([this.#stopping.signal, gone.signal], async (signal) => {
        const { frames, seconds } = await run(request, peer, { signal })
        return { frames, seconds, fps: seconds > 0 ? frames / seconds : 0 }
      })
    } catch (err) {
      return tellFailure(err)
    } finally {
      clearTimeout(deadline)
      stream.removeEventListener('close', onClose)
      this.#busy = false
    }
  }
}

function deadlineMs({ seconds }: BenchmarkRequest): number {
  return seconds * 1000 + BENCHMARK_GRACE_MS
}
