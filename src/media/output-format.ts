/** The containers a joined file can have, chosen by the output's name. */
import { extname } from 'node:path'
import { MediaError } from './failure.ts'
import type { Rational } from './rational.ts'
import { segmentTimeScale } from './segment/task.ts'

export interface OutputFormat {
  /** FFmpeg's muxer. */
  readonly muxer: 'mp4' | 'mov' | 'matroska' | 'webm'
  /** FFmpeg's demuxer for the same. */
  readonly demuxer: 'mov' | 'matroska'
  /** The text subtitle codec to convert to where a copy does not fit. */
  readonly textSubtitles: string
}

const FORMATS: ReadonlyMap<string, OutputFormat> = new Map([
  ['.mp4', { muxer: 'mp4', demuxer: 'mov', textSubtitles: 'mov_text' }],
  ['.m4v', { muxer: 'mp4', demuxer: 'mov', textSubtitles: 'mov_text' }],
  ['.mov', { muxer: 'mov', demuxer: 'mov', textSubtitles: 'mov_text' }],
  ['.mkv', { muxer: 'matroska', demuxer: 'matroska', textSubtitles: 'subrip' }],
  ['.webm', { muxer: 'webm', demuxer: 'matroska', textSubtitles: 'webvtt' }],
])

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

/** The time base of the video in a file that a single run writes. */
export function outputTimeBase(format: OutputFormat, encoderTimeBase: Rational): Rational {
  return format.demuxer === 'matroska'
    ? { num: 1, den: 1_000 }
    : { num: 1, den: segmentTimeScale(encoderTimeBase) }
}

/** The encoder ffmpeg itself takes for a container when the params name none. */
export function defaultEncoder(format: OutputFormat): string {
  return format.muxer === 'webm' ? 'libvpx-vp9' : 'libx264'
}
