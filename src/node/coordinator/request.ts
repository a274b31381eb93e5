/** What a job is asked for, and whom it tells. */
import type { JobEvent } from './events.ts'
import type { JobRequest } from './job.ts'
import type { Report, VerifyLevel } from './report.ts'

/** A node's first segment is so long that it measures the node, and no longer. */
export const BENCHMARK_SECONDS_DEFAULT = 8
export const WAIT_SECONDS_DEFAULT = 60

export interface EncodeRequest extends JobRequest {
  /** The id of the job that it goes on with; undefined: that of its input, output and params. */
  readonly job?: string
  readonly overwrite: boolean
  /** Other nodes to wait for; undefined: use whoever is there. */
  readonly peers: number | undefined
  /** Seconds to wait for them. */
  readonly waitSeconds: number
  readonly benchmarkSeconds: number | undefined
  readonly segmentSeconds: number | undefined
  /** Nodes ask for segments of one length when they are idle. */
  readonly isPull?: boolean
  /** Cut near keyframes, or just by time. Both are exact. */
  readonly atKeyframes: boolean
  /** Encode on this node too: `auto` does unless a worker on this machine already has its CPUs. */
  readonly local: 'auto' | 'always' | 'never'
  readonly verify: VerifyLevel
  /** Where to write the report. */
  readonly reportPath: string | undefined
}

export interface EncodeOptions {
  signal: AbortSignal
  emit(event: JobEvent): void
  /** All segments are here: nodes have nothing more to do for this job. */
  onEncoded?(): void
  /** What is written into the report's file; by default the report itself, in JSON. */
  writeReport?(path: string, report: Report): string
}
