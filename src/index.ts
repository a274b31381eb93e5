export * from './library.ts'
export type * from './node/coordinator/events.ts'
export {
  JobError,
  type JobFailure,
  MediaError,
  type MediaFailure,
  NetworkError,
  type NetworkFailure,
  OutputError,
  type PeerRow,
  type ReadReport,
  type SandboxMode,
  UnfinishedError,
  VERSION,
  type Verification,
  type VerifyLevel,
  type WorkerTaskEvent,
} from './node/index.ts'
export { PRESETS, type Preset } from './node/presets.ts'
