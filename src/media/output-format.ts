/** The containers a joined file can have, chosen by the output's name. */
import { extname } from 'node:path'
import { MediaError } from './failure.ts'
import type { Rational } from './rational.ts'
import { segmentTimeScale } from './segment/task.ts'

export interface OutputFormat {
  /** As people call it. */
  readonly name: string
  /** FFmpeg's muxer. */
  readonly muxer: 'mp4' | 'ipod' | 'mov' | 'matroska' | 'webm' | 'mpegts'
  /** FFmpeg's demuxer for the same. */
  readonly demuxer: 'mov' | 'matroska' | 'mpegts'
  /** The text subtitle codec to convert to where a copy does not fit; undefined: it holds no text. */
  readonly textSubtitles: string | undefined
  /**
   * Codecs, and encoders of other streams, that a reader of the container knows again. Undefined where the muxer itself
   * refuses all others; that of MPEG-TS writes anything, as private data that nobody can name.
   */
  readonly holds?: ReadonlySet<string>
}

const MPEGTS_CODECS: ReadonlySet<string> = new Set([
  ...['h264', 'hevc', 'mpeg1video', 'mpeg2video', 'mpeg4'],
  ...[
    'mp1',
    'mp2',
    'mp2fixed',
    'libtwolame',
    'mp3',
    'libmp3lame',
    'libshine',
    'aac',
    'libfdk_aac',
    'aac_latm',
  ],
  ...['ac3', 'ac3_fixed', 'eac3', 'dts', 'dca', 'truehd', 'opus', 'libopus', 's302m'],
  ...['dvb_subtitle', 'dvbsub', 'dvb_teletext', 'arib_caption'],
  ...['klv', 'timed_id3', 'copy'],
])

const MPEGTS: OutputFormat = {
  name: 'MPEG-TS',
  muxer: 'mpegts',
  demuxer: 'mpegts',
  textSubtitles: undefined,
  holds: MPEGTS_CODECS,
}

/** That of Blu-ray, with packets of 192 bytes: the muxer itself looks at the name's ending. */
const M2TS: OutputFormat = { ...MPEGTS, holds: new Set([...MPEGTS_CODECS, 'hdmv_pgs_subtitle']) }

const FORMATS: ReadonlyMap<string, OutputFormat> = new Map([
  ['.mp4', { name: 'mp4', muxer: 'mp4', demuxer: 'mov', textSubtitles: 'mov_text' }],
  ['.m4v', { name: 'm4v', muxer: 'ipod', demuxer: 'mov', textSubtitles: 'mov_text' }],
  ['.mov', { name: 'mov', muxer: 'mov', demuxer: 'mov', textSubtitles: 'mov_text' }],
  ['.mkv', { name: 'Matroska', muxer: 'matroska', demuxer: 'matroska', textSubtitles: 'subrip' }],
  ['.webm', { name: 'WebM', muxer: 'webm', demuxer: 'matroska', textSubtitles: 'webvtt' }],
  ['.ts', MPEGTS],
  ['.mts', MPEGTS],
  ['.m2ts', M2TS],
])

/** Whether a name's ending says a container that can be written. */
export function isOutputName(path: string): boolean {
  return FORMATS.has(extname(path).toLowerCase())
}

/** @throws MediaError OUTPUT_FORMAT for a name that ends otherwise. */
export function outputFormat(path: string): OutputFormat {
  const format = FORMATS.get(extname(path).toLowerCase())
  if (format === undefined) {
    throw new MediaError({
      code: 'OUTPUT_FORMAT',
      path,
      detail: `the output's name must end in ${[...FORMATS.keys()].join(', ')} (give one with -o)`,
    })
  }
  return format
}

/** Why a codec, or what an encoder makes, has no place in a container that does not name it among what it holds. */
export function unknownTo({ name: container }: OutputFormat, encoder: string): MediaError {
  const detail = 'it would be data that no player knows'
  return new MediaError({ code: 'OUTPUT_REJECTED', container, encoder, detail })
}

/** The time base of the video in a file that a single run writes. */
export function outputTimeBase(format: OutputFormat, encoderTimeBase: Rational): Rational {
  switch (format.demuxer) {
    case 'matroska':
      return { num: 1, den: 1_000 }
    case 'mpegts':
      return { num: 1, den: 90_000 }
    case 'mov':
      return { num: 1, den: segmentTimeScale(encoderTimeBase) }
  }
}

/** The encoder for a container when the params name none. */
export function defaultEncoder(format: OutputFormat): string {
  return format.muxer === 'webm' ? 'libvpx-vp9' : 'libx264'
}
