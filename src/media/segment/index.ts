/** Segments: what a worker is told, the command that encodes it, and the proof that its frames are the right ones. */
export { type SegmentFiles, segmentArguments } from './arguments.ts'
export { type EncodedSegment, type EncodeOptions, encodeSegment, type SegmentProgress } from './encode.ts'
export { inBandHeaders } from './in-band.ts'
export { type Retiming, RUNS_MAX } from './retime.ts'
export { segmentBytesMax } from './size.ts'
export { type FilteredSource, segmentSource, syncedSource } from './source.ts'
export {
  SEGMENT_CONTAINERS,
  SEGMENT_SHIFT_SECONDS,
  type SegmentContainer,
  type SegmentInput,
  type SegmentRange,
  type SegmentSource,
  type SegmentTask,
  segmentTimeScale,
} from './task.ts'
