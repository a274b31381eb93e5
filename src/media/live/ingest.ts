/**
 * Takes a live input in: FFmpeg copies the video as it is, encodes the sound once for all, and gives both as one movie in fragments, each of
 * which begins where a decoder can start.
 */
import { resolve } from 'node:path'
import { run, type Tool } from '../ffmpeg/index.ts'
import { fileUrl } from '../probe.ts'
import { FragmentReader, type FragmentSink } from './fragments.ts'

export interface LiveInput {
  /** What stands behind `-i`: a file, an address, a device; `-` is this process's standard input. */
  readonly url: string
  /** FFmpeg options in front of it, such as `-f v4l2` or `-listen 1`. */
  readonly options: readonly string[]
  /** A file is read as fast as it is played. */
  readonly isPaced: boolean
}

export interface IngestOptions {
  readonly signal: AbortSignal
  /** FFmpeg options of the sound, encoder included. */
  readonly audio: readonly string[]
  /** Standard input, where the input is `-`. */
  readonly stdin?: AsyncIterable<Uint8Array>
  /** What FFmpeg complains about, a line each. */
  onComplaint?(line: string): void
}

/** The first frame stands there, so that no decode time and no encoder's lead-in lies below zero. */
export const STREAM_START_SECONDS = 10

/** A fragment ends after so long, whether or not a keyframe comes: what is here need not wait for one. */
const FRAGMENT_SECONDS_MAX = 1

/**
 * Until the input ends.
 *
 * @throws MediaError TOOL_EXIT in FFmpeg's own words; RangeError; the signal's reason
 */
export async function ingest(
  ffmpeg: Tool,
  input: LiveInput,
  sink: FragmentSink,
  { signal, audio, stdin, onComplaint }: IngestOptions,
): Promise<void> {
  const reader = new FragmentReader(sink)
  // Whatever is in the name of a file, and wherever ffmpeg is started.
  const path = isLocalFile(input.url) ? resolve(input.url) : undefined
  const named = path === undefined ? input : { ...input, url: fileUrl(path) }
  await run(ffmpeg, ingestArguments(named, audio), {
    signal,
    access: path === undefined ? { reads: [], usesNetwork: true } : { reads: [path] },
    // How long an input may be silent is not for this to say.
    isWaiting: () => true,
    onBytes: (bytes) => reader.write(bytes),
    ...(input.url === '-' && stdin !== undefined ? { input: stdin } : {}),
    ...(onComplaint === undefined ? {} : { onErrorLine: onComplaint }),
  })
}

/** Whether it is a file of this machine: an address has a scheme, and standard input a hyphen. */
export function isLocalFile(url: string): boolean {
  return url !== '-' && !/^[a-z][a-z0-9+.-]+:/i.test(url) && !url.startsWith('/dev/')
}

export function ingestArguments({ url, options, isPaced }: LiveInput, audio: readonly string[]): string[] {
  return [
    ...['-v', 'warning', '-nostats', ...(url === '-' ? [] : ['-nostdin']), ...(isPaced ? ['-re'] : [])],
    ...[...options, '-i', url === '-' ? 'pipe:0' : url],
    ...['-map', '0:V:0', '-map', '0:a:0?', '-map_metadata', '-1', '-map_chapters', '-1'],
    ...['-c:v', 'copy', ...audio, '-f', 'mp4'],
    // Each track begins where it does, to the tick, not at zero: no edit list says so afterwards.
    ...['-use_editlist', '0', '-movflags', 'frag_keyframe+empty_moov+default_base_moof+frag_discont'],
    ...['-avoid_negative_ts', 'disabled', '-output_ts_offset', `${STREAM_START_SECONDS}`],
    ...['-frag_duration', `${FRAGMENT_SECONDS_MAX * 1_000_000}`, '-flush_packets', '1', 'pipe:1'],
  ]
}
