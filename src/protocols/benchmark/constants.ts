/** The name and the bounds of the benchmark protocol. */

export const BENCHMARK_PROTOCOL = '/ffswarm/benchmark/1.0.0'

export const BENCHMARK_REQUEST_BYTES_MAX = 64 * 1024

export const BENCHMARK_RESPONSE_BYTES_MAX = 8 * 1024

export const BENCHMARK_STREAMS_MAX = 4

/** Added to the seconds asked for: starting an encoder, and a machine that is slower than real time. */
export const BENCHMARK_GRACE_MS = 30_000

export const BENCHMARK_SEND_TIMEOUT_MS = 10_000
