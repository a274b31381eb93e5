/** How pictures say that they are to be shown. It may change on the way through a film, in whatever container that lies. */
import { mediaErrorOf } from './failure.ts'
import { fileAccess, run, type Tool } from './ffmpeg/index.ts'
import type { FrameIndex } from './frame-index.ts'
import { fileUrl, type Source } from './probe.ts'
import { countSampleKinds } from './segment/movie-box.ts'

/** What a picture says of itself, in FFmpeg's words. */
export interface PictureLook {
  /** Such as `320x180`. */
  readonly size: string
  readonly pixelFormat: string
  /** Such as `16/11`; `0/1` is the unknown one. */
  readonly sampleAspectRatio: string
  readonly range: string
  readonly matrix: string
  readonly primaries: string
  readonly transfer: string
  /** Mastering display and content light level; empty where there are none. */
  readonly hdr: string
}

export interface KeyframeLook extends PictureLook {
  /** In the source's ticks. */
  readonly pts: bigint
}

/**
 * How the pictures between two times are to be shown: the look of the first, and of each keyframe that looks otherwise than the one
 * before. It takes a reading of the file, with a low priority. Films of nothing but keyframes are not looked at: that would be all
 * of them.
 *
 * @param options.readsHdr whether what their headers do not tell counts
 * @returns nothing where all have one header
 */
export async function readLooks(
  ffmpeg: Tool,
  source: Source,
  index: FrameIndex,
  { from, end, readsHdr, signal }: { from: bigint; end: bigint; readsHdr: boolean; signal?: AbortSignal },
): Promise<KeyframeLook[]> {
  if (index.keyframes.length === index.pts.length) return []
  if (!readsHdr && (await repeatsOneHeader(ffmpeg, source, { signal }))) return []
  const looks: KeyframeLook[] = []
  const add = (look: KeyframeLook) => {
    if (look.pts >= end || looks.length >= LOOKS_MAX) return
    const before = looks.at(-1)
    if (look.pts <= from) looks.length = 0
    else if (before !== undefined && wordsOf(look) === wordsOf(before)) return
    looks.push(look)
  }
  const cause = await mediaErrorOf(
    run(
      ffmpeg,
      [
        ...['-v', 'info', '-hide_banner', '-nostats', '-nostdin', '-copyts', '-skip_frame', 'nokey'],
        ...discardArguments(source),
        // Reading ahead, it would take the colours of what comes for those of a beginning that tells none.
        ...['-analyzeduration', '1', '-f', source.format, '-i', fileUrl(source.path)],
        ...['-map', `0:${source.video.index}`],
        ...['-filter:v', SHOW_LOOK, '-fps_mode:v', 'passthrough', '-f', 'null', '-'],
      ],
      { signal, background: true, access: fileAccess([source]), onErrorLine: lookReader(add) },
    ),
  )
  signal?.throwIfAborted()
  // What cannot be decoded says so elsewhere.
  return cause === undefined ? looks : []
}

/** Such a demuxer leaves the rest of the file unread. */
function discardArguments({ format }: Source): string[] {
  return isMovie(format) ? ['-discard:v', 'nokey'] : []
}

function isMovie(format: string): boolean {
  return format === 'mov'
}

/** The units of a stream that tell how its pictures are to be shown: sequence parameter sets. */
const HEADER_UNITS: ReadonlyMap<string, number> = new Map([
  ['h264', 7],
  ['hevc', 33],
])

/** Whose demuxers say nothing of headers beside the packets; in movies each kind of sample has its own. */
const HEADERS_IN_PACKETS = /^(matroska|mpegts|mpeg|h264|hevc|avi)$/

/** Whether all headers in the stream are one and the same. Nothing is decoded for it. */
async function repeatsOneHeader(
  ffmpeg: Tool,
  source: Source,
  { signal }: { signal: AbortSignal | undefined },
): Promise<boolean> {
  const { format, path, video } = source
  const unit = HEADER_UNITS.get(video.codec)
  if (unit === undefined) return false
  if (isMovie(format) ? (await countSampleKinds(path)) !== 1 : !HEADERS_IN_PACKETS.test(format)) return false
  const headers = new Set<string>()
  const cause = await mediaErrorOf(
    run(
      ffmpeg,
      [
        ...['-v', 'error', '-nostdin', ...discardArguments(source), '-f', format, '-i', fileUrl(path)],
        ...['-map', `0:${video.index}`, '-c', 'copy', '-bsf:v', `filter_units=pass_types=${unit}`],
        ...['-f', 'framemd5', '-'],
      ],
      {
        signal,
        background: true,
        access: fileAccess([source]),
        onLine(line) {
          const [, hash] = /, ([0-9a-f]{32})$/.exec(line) ?? []
          if (hash !== undefined && headers.size <= 1) headers.add(hash)
        },
      },
    ),
  )
  signal?.throwIfAborted()
  return cause === undefined && headers.size <= 1
}

/** More say no more. */
const LOOKS_MAX = 256

function wordsOf({ pts: _, ...look }: KeyframeLook): string {
  return Object.values(look).join()
}

/** The filter that tells of each picture, at ffmpeg's log level `info`. */
export const SHOW_LOOK = 'showinfo=checksum=0'

/** @returns takes the lines of ffmpeg's log: {@link SHOW_LOOK} writes two for each picture, and one for each of its side data */
export function lookReader(onLook: (look: KeyframeLook) => void): (line: string) => void {
  let frame: Pick<KeyframeLook, 'pts' | 'pixelFormat' | 'sampleAspectRatio' | 'size' | 'hdr'> | undefined
  return (line) => {
    const [, pts, pixelFormat = '', sampleAspectRatio = '', size = ''] = FRAME_INFO.exec(line) ?? []
    if (pts !== undefined) frame = { pts: BigInt(pts), pixelFormat, sampleAspectRatio, size, hdr: '' }
    const [, light] = HDR_INFO.exec(line) ?? []
    if (light !== undefined && frame !== undefined) frame = { ...frame, hdr: `${frame.hdr}${light};` }
    const [, range, matrix = '', primaries = '', transfer = ''] = COLOUR_INFO.exec(line) ?? []
    if (range === undefined || frame === undefined) return
    onLook({ ...frame, range, matrix, primaries, transfer })
    frame = undefined
  }
}

const FRAME_INFO = / pts: *(-?\d+) .* fmt:(\S+) .*\bsar:(\d+\/\d+) s:(\d+x\d+) /
const HDR_INFO = /side data - (?:mastering display|content light level)[^:]*: (.*)/i
const COLOUR_INFO = /color_range:(\S+) color_space:(\S+) color_primaries:(\S+) color_trc:(\S+)/
