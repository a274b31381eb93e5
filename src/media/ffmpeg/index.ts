/** The FFmpeg programs: finding them, what they can do, running them. */
export {
  type Encoder,
  type FFmpegCapabilities,
  readCapabilities,
  readEncoder,
  readLibavcodec,
  readToolVersion,
} from './capabilities.ts'
export { type Access, type Confine, type Confinement, type FilePlace, fileAccess } from './confinement.ts'
export { killChild } from './kill.ts'
export {
  findOnPath,
  type Located,
  type LocatedTools,
  type LocateOptions,
  locateTools,
  ownTools,
} from './locate.ts'
export { allEnded, type RunOptions, run, type Tool, type Usage } from './run.ts'
