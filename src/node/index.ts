/**
 * A swarm node: works for others, coordinates jobs, or looks at who is there.
 *
 * ```ts
 * const node = await createNode({ role: 'coordinator', name: 'desk' }, surroundings(), { signal })
 * const done = await encode(node, request, { signal, emit: console.log })
 * await node.stop()
 * ```
 */
export { isOutputName, MediaError, type MediaFailure } from '../media/index.ts'
export { toConnect } from './address.ts'
export { encodeBatch, type FileEvent, isBatch, outputFor, planBatch, type Turn } from './batch.ts'
export { type BenchmarkRow, benchmarkSwarm } from './benchmark.ts'
export type * from './coordinator/events.ts'
export { JobError, type JobFailure } from './coordinator/failure.ts'
export { type EncodeOptions, type EncodeRequest, encode } from './coordinator/index.ts'
export { findReport, type KeptReport, listReports } from './coordinator/kept-reports.ts'
export { refuseLogFile } from './coordinator/log-file.ts'
export { OutputError } from './coordinator/output-error.ts'
export { type ReadReport, withReport } from './coordinator/read-report.ts'
export type { Report, VerifyLevel } from './coordinator/report.ts'
export { reserveReport } from './coordinator/report-file.ts'
export { BENCHMARK_SECONDS_DEFAULT, WAIT_SECONDS_DEFAULT } from './coordinator/request.ts'
export { discardJob, findJob, type JobSummary, listJobs, resumeRequest } from './coordinator/store/index.ts'
export { UnfinishedError } from './coordinator/unfinished.ts'
export { openDataDir } from './data-dir.ts'
export { SWARM_DEFAULT } from './discovery.ts'
export { type Check, doctor } from './doctor.ts'
export { exitCodeOf, failedEvent, Interrupted } from './exit-code.ts'
export { clearKey, newKey, parseKey, readStoredKey, storeKey } from './key/index.ts'
export { LISTEN_DEFAULT } from './libp2p.ts'
export type { LiveEvent } from './live/events.ts'
export { readStreamRequest } from './live/request.ts'
export { type ServeAddress, serveStream } from './live/serve.ts'
export { type StreamRequest, stream } from './live/stream.ts'
export type { Membership, Peer } from './membership.ts'
export { NetworkError, type NetworkFailure } from './network-error.ts'
export { createNode, type NodeInit, type Surroundings, type SwarmNode } from './node.ts'
export { forgetPaired, type PairedMachine, readPaired, showCode, typeCode } from './pair/index.ts'
export { type PeerRow, peerRow } from './peer-row.ts'
export type { SandboxMode } from './sandbox/index.ts'
export { surroundings } from './surroundings.ts'
export { type Verification, type VerifyRequest, verifyFile } from './verify.ts'
export { SOFTWARE, VERSION } from './version.ts'
export type { WorkerTaskEvent } from './worker/index.ts'
