/**
 * One stretch of a live film as players get it (CMAF, ISO/IEC 23000-19): the encoded pictures with the sound that was taken in beside them, in
 * fragments that carry their times from the stream's first moment on.
 */

import { fileAccess, run, type Tool } from '../ffmpeg/index.ts'
import { fileUrl } from '../probe.ts'
import { withoutBitRates } from './codecs.ts'
import { FragmentReader, type MovieHeader, moveTracks, trackStarts } from './fragments.ts'

export interface PackageInput {
  /** The encoded segment, and its demuxer. */
  readonly segmentPath: string
  readonly container: string
  /** A movie whose sound is the stretch's; undefined: it has none. */
  readonly soundPath: string | undefined
  /** Where the sound begins in decode time, in its track's ticks. */
  readonly soundStart: bigint | undefined
  /** Time of the first frame that is shown, in ticks of `timeScale`. */
  readonly firstPts: bigint
  /** Ticks a second of the video track. */
  readonly timeScale: number
}

export interface Packaged {
  /** `ftyp` and `moov`; undefined: its players need none. */
  readonly header: Buffer | undefined
  /** The media segment's fragments, not numbered yet. */
  readonly bytes: Buffer
}

/** @throws MediaError TOOL_EXIT; RangeError; the signal's reason */
export async function packageSegment(
  ffmpeg: Tool,
  input: PackageInput,
  options: { signal: AbortSignal },
): Promise<Packaged> {
  const { segmentPath, container, soundPath, timeScale } = input
  let header: MovieHeader | undefined
  const fragments: { bytes: Buffer; pts: BigInt64Array }[] = []
  const reader = new FragmentReader({
    onHeader: (read) => (header = read),
    onFragment: ({ bytes, video }) =>
      fragments.push({ bytes: Buffer.from(bytes), pts: video?.pts ?? new BigInt64Array() }),
  })
  const sound = soundPath === undefined ? [] : ['-f', 'mov', '-i', fileUrl(soundPath)]
  await run(
    ffmpeg,
    [
      ...['-v', 'error', '-nostdin', '-f', container, '-i', fileUrl(segmentPath), ...sound],
      ...['-map', '0:v:0', ...(soundPath === undefined ? [] : ['-map', '1:a:0'])],
      ...['-map_metadata', '-1', '-c', 'copy', '-f', 'mp4', '-use_editlist', '0'],
      ...['-movflags', 'frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets'],
      ...['-video_track_timescale', `${timeScale}`, 'pipe:1'],
    ],
    {
      ...options,
      access: fileAccess([{ path: segmentPath }, ...(soundPath === undefined ? [] : [{ path: soundPath }])]),
      onBytes: (bytes) => reader.write(bytes),
    },
  )
  if (header === undefined) throw new RangeError('the muxer has written no header')
  place(fragments, header, input)
  return {
    header: withoutBitRates(header.bytes),
    bytes: Buffer.concat(fragments.map(({ bytes }) => bytes)),
  }
}

/** FFmpeg begins each run at zero: both tracks get the places that they have in the stream. */
function place(
  fragments: readonly { bytes: Buffer; pts: BigInt64Array }[],
  { trackId }: MovieHeader,
  { firstPts, soundStart }: PackageInput,
): void {
  const moves = new Map<number, bigint>()
  const first = fragments.flatMap(({ pts }) => [...pts]).reduce<bigint | undefined>(earlier, undefined)
  if (first !== undefined) moves.set(trackId, firstPts - first)
  for (const { bytes } of fragments) {
    for (const [id, start] of trackStarts(bytes)) {
      if (id !== trackId && soundStart !== undefined && !moves.has(id)) moves.set(id, soundStart - start)
    }
  }
  for (const { bytes } of fragments) moveTracks(bytes, moves)
}

function earlier(least: bigint | undefined, time: bigint): bigint {
  return least === undefined || time < least ? time : least
}

/**
 * The same in MPEG-TS, whose times are those of the stream as well, in ticks of 1/90000 s.
 *
 * @param shiftSeconds by which the segment's times are ahead of the stream's
 * @throws MediaError TOOL_EXIT; the signal's reason
 */
export async function packageTransportStream(
  ffmpeg: Tool,
  { segmentPath, container, soundPath }: Pick<PackageInput, 'segmentPath' | 'container' | 'soundPath'>,
  shiftSeconds: number,
  options: { signal: AbortSignal },
): Promise<Packaged> {
  const parts: Buffer[] = []
  const sound = soundPath === undefined ? [] : ['-f', 'mov', '-i', fileUrl(soundPath)]
  await run(
    ffmpeg,
    [
      ...['-v', 'error', '-nostdin', '-copyts', '-itsoffset', `${-shiftSeconds}`],
      ...['-f', container, '-i', fileUrl(segmentPath), ...sound],
      ...['-map', '0:v:0', ...(soundPath === undefined ? [] : ['-map', '1:a:0'])],
      ...['-map_metadata', '-1', '-c', 'copy', '-muxdelay', '0', '-muxpreload', '0'],
      ...['-f', 'mpegts', '-mpegts_copyts', '1', 'pipe:1'],
    ],
    {
      ...options,
      access: fileAccess([{ path: segmentPath }, ...(soundPath === undefined ? [] : [{ path: soundPath }])]),
      onBytes: (bytes) => void parts.push(bytes),
    },
  )
  return { header: undefined, bytes: Buffer.concat(parts) }
}
