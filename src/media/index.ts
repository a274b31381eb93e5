/** FFmpeg and exact media time. Knows nothing of the network, of peers or of jobs. */

export { lowerBound } from './ascending-times.ts'
export { chooseCut, type KeyframePlaces } from './cuts.ts'
export { MediaError, type MediaFailure } from './failure.ts'
export {
  type Access,
  allEnded,
  type Confine,
  type Confinement,
  type Encoder,
  type FFmpegCapabilities,
  findOnPath,
  killChild,
  type Located,
  type LocatedTools,
  type LocateOptions,
  locateTools,
  ownTools,
  readCapabilities,
  readEncoder,
  readLibavcodec,
  readToolVersion,
  type Tool,
  type Usage,
} from './ffmpeg/index.ts'
export { type Film, readFilm, trimFilm } from './film.ts'
export { type FilterChain, NO_FILTERS } from './filters/index.ts'
export { findLosses } from './find-losses.ts'
export { forcedInSegment, forcedPlaces } from './forced-keyframes.ts'
export {
  decodeFrameIndex,
  type FrameIndex,
  type IndexReading,
  openFrameIndex,
  ptsDigest,
  readFrameIndex,
} from './frame-index.ts'
export { readSyncedFilm, type SyncedFilm } from './frame-sync.ts'
export { type JoinJob, type JoinSegment, joinSegments, tryJoin } from './join.ts'
export * from './live/index.ts'
export {
  type FilmStart,
  type Opening,
  readFirstLook,
  startAtSegment,
  startDecoded,
  startWithSource,
} from './opening.ts'
export {
  defaultEncoder,
  isOutputName,
  type OutputFormat,
  outputFormat,
  outputTimeBase,
} from './output-format.ts'
export { encodeForBoth, tryOutput } from './output-trial.ts'
export type { ByteRange } from './packet-positions.ts'
export {
  chooseStreams,
  type EncodeParams,
  encoderArguments,
  type ForcedKeyframes,
  keepsLanguages,
  parseParams,
  splitParams,
  videoArguments,
  withoutTag,
} from './params/index.ts'
export { type KeyframeLook, type PictureLook, readLooks } from './picture-looks.ts'
export { type PictureTraits, readPictureTraits } from './picture-traits.ts'
export {
  type FilmFile,
  filmAsItIs,
  lookAtPictures,
  lookAtSegment,
  type PicturesCompared,
  type SegmentLook,
  type Stretch,
  thinOut,
} from './pictures/index.ts'
export {
  encodeFirstFrames,
  firstFramePath,
  inspectFirstFrame,
  preflight,
  readStreamTags,
  type StreamTags,
} from './preflight.ts'
export { fileUrl, probe, type Source, type SourceStream } from './probe.ts'
export {
  equalRationals,
  formatRational as formatTimeBase,
  MICROSECONDS,
  type Rational,
  rescale,
  toSeconds,
} from './rational.ts'
export { whyFormatRefused } from './refused-input.ts'
export { decodesAlike, needsComparison } from './seek-check.ts'
export * from './segment/index.ts'
export { singleRunArguments } from './single-run.ts'
export { findSizeChange } from './size-change.ts'
export { planStreams, type StreamPlan } from './stream-plan.ts'
export { encodeTestPattern, type TestPattern } from './test-pattern.ts'
export {
  findClockJump,
  keepDistances,
  measureZero,
  type Timing,
  toEncoderPts,
  toOutputTimes,
} from './timing.ts'
export { isFragmented, trackStarts } from './track-starts.ts'
export { whyNotEncoding } from './try-encoder.ts'
export { type AudioOffsets, type ExpectedAudio, expectAudio } from './verification/audio.ts'
export { compareCopies } from './verification/copies.ts'
export { checkDecoding } from './verification/decoding.ts'
export { readEmptyStreams } from './verification/empty-streams.ts'
export { describeFinding, type Finding } from './verification/finding.ts'
export {
  compareChapters,
  compareStreams,
  describeStreams,
  type FileDescription,
} from './verification/streams.ts'
export { compareSubtitles } from './verification/subtitles.ts'
export {
  describeVideo,
  differencesInTags,
  followsAspectRatio,
  followsColours,
  keepsHdr,
  type VideoDescription,
} from './verification/video-description.ts'
export { digestFile, type FileDigest, type InspectedSegment, inspectSegment } from './verify.ts'
export {
  type ExpectedOutput,
  summarizeTimes,
  type TimesSummary,
  type VerifiedOutput,
  verifyOutput,
} from './verify-output.ts'
export { readX264Build } from './x264-build.ts'
