/** Films whose pictures change on the way in more than what they show. */
import { MediaError, mediaErrorOf } from './failure.ts'
import { readLibavcodec, run, type Tool } from './ffmpeg/index.ts'
import type { FrameIndex } from './frame-index.ts'
import { fileUrl, type Source } from './probe.ts'
import { toSeconds } from './rational.ts'

/**
 * Where a film's pictures change their size or pixel format, with FFmpeg 7 also their colour range or matrix. It builds its filters anew
 * there: those that look at several frames forget what was before, and some lose a frame.
 *
 * @returns the seconds from the first frame; undefined where it does not happen, or cannot be told
 */
export async function findSizeChange(
  { ffmpeg, ffprobe }: { ffmpeg: Tool; ffprobe: Tool },
  source: Source,
  index: FrameIndex,
  options: { signal?: AbortSignal } = {},
): Promise<number | undefined> {
  const colours = (await readLibavcodec(ffmpeg, options)) < 61 ? '' : ',color_range,color_space'
  const entries = `width,height,pix_fmt${colours}`
  const change = await findChange(ffprobe, source, index, { ...options, entries })
  return change === undefined ? undefined : toSeconds(change - (index.pts[0] ?? 0n), index.timeBase)
}

/** What a keyframe says of itself, in FFmpeg's words. */
export interface KeyframeLook {
  /** In the source's ticks. */
  readonly pts: bigint
  /** Such as `320x180`. */
  readonly size: string
  readonly pixelFormat: string
  readonly sampleAspectRatio: string
  /** Range and matrix: what conversions go by. */
  readonly levels: string
  readonly primaries: string
  readonly transfer: string
}

/**
 * How the pictures between two times are to be shown: the look of the first, and of each keyframe that looks otherwise than the one
 * before. It takes a reading of the file, with a low priority.
 */
export async function readLooks(
  ffmpeg: Tool,
  source: Source,
  index: FrameIndex,
  { from, end, signal }: { from: bigint; end: bigint; signal?: AbortSignal },
): Promise<KeyframeLook[]> {
  if (index.keyframes.length === index.pts.length) return []
  const looks: KeyframeLook[] = []
  let frame: Omit<KeyframeLook, 'levels' | 'primaries' | 'transfer'> | undefined
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
        // Reading ahead, it would take the colours of what comes for those of a beginning that tells none.
        ...['-analyzeduration', '1', '-f', source.format, '-i', fileUrl(source.path)],
        ...['-map', `0:${source.video.index}`],
        ...['-filter:v', 'showinfo=checksum=0', '-fps_mode:v', 'passthrough', '-f', 'null', '-'],
      ],
      {
        signal,
        background: true,
        onErrorLine(line) {
          const [, pts, pixelFormat = '', sampleAspectRatio = '', size = ''] = FRAME_INFO.exec(line) ?? []
          if (pts !== undefined) frame = { pts: BigInt(pts), pixelFormat, sampleAspectRatio, size }
          const [, range, matrix, primaries = '', transfer = ''] = COLOUR_INFO.exec(line) ?? []
          if (range === undefined || frame === undefined) return
          add({ ...frame, levels: `${range} ${matrix}`, primaries, transfer })
          frame = undefined
        },
      },
    ),
  )
  signal?.throwIfAborted()
  // What cannot be decoded says so elsewhere.
  return cause === undefined ? looks : []
}

function wordsOf({ pts: _, ...look }: KeyframeLook): string {
  return Object.values(look).join()
}

/** What FFmpeg's `showinfo` prints of each frame, in two lines. */
export const FRAME_INFO = / pts: *(-?\d+) .* fmt:(\S+) .*\bsar:(\d+\/\d+) s:(\d+x\d+) /
export const COLOUR_INFO = /color_range:(\S+) color_space:(\S+) color_primaries:(\S+) color_trc:(\S+)/

/** More say no more. */
const LOOKS_MAX = 256

/** Whether it is left to a file's pictures to tell how they are to be shown: elsewhere the container tells once for all. */
export function isToldByPictures({ format }: Pick<Source, 'format'>): boolean {
  return TOLD_BY_PICTURES.has(format)
}

/** Demuxers of files that leave it to the video itself to tell how it is to be shown. */
const TOLD_BY_PICTURES: ReadonlySet<string> = new Set(['mpegts', 'mpeg', 'mpegvideo', 'm4v', 'h264', 'hevc'])

/**
 * Decodes the keyframes alone, since such a change comes with one. Films of nothing but keyframes are not looked at: that
 * would be all of them.
 */
async function findChange(
  ffprobe: Tool,
  source: Source,
  index: FrameIndex,
  { signal, entries }: { signal?: AbortSignal; entries: string },
): Promise<bigint | undefined> {
  if (index.keyframes.length === index.pts.length) return undefined
  const count = entries.split(',').length
  let before: string | undefined
  let change: bigint | undefined
  const enough = new AbortController()
  const signals = [enough.signal, signal].filter((each) => each !== undefined)
  try {
    await run(
      ffprobe,
      [
        ...['-v', 'error', '-f', source.format, '-select_streams', `${source.video.index}`],
        ...['-skip_frame', 'nokey', '-show_entries', `frame=best_effort_timestamp,${entries}`],
        ...['-of', 'csv=p=0', fileUrl(source.path)],
      ],
      {
        signal: AbortSignal.any(signals),
        onLine(line) {
          // A frame's side data follows.
          const [time = '', ...told] = line.split(',').slice(0, 1 + count)
          if (!/^-?\d+$/.test(time) || told.length < count) return
          before ??= told.join()
          if (told.join() === before) return
          change ??= BigInt(time)
          enough.abort()
        },
      },
    )
  } catch (error) {
    signal?.throwIfAborted()
    // What cannot be decoded says so elsewhere.
    if (!enough.signal.aborted && !(error instanceof MediaError)) throw error
  }
  return change
}
