/** Live films: taken in, cut into pieces, packaged again, and listed. */
export { codecsOf } from './codecs.ts'
export { numberFragments } from './fragments.ts'
export { ingest, isLocalFile, type LiveInput, STREAM_START_SECONDS } from './ingest.ts'
export { type Packaged, packageSegment, packageTransportStream } from './package.ts'
export { type Piece, PieceMaker } from './pieces.ts'
export {
  type MediaPlaylist,
  mediaPlaylist,
  multivariantPlaylist,
  type PlaylistSegment,
  type Rendition,
} from './playlist.ts'
export { makeSlate } from './slate.ts'
