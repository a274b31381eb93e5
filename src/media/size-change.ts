/** Films whose pictures change on the way in more than what they show. */
import { MediaError } from './failure.ts'
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
  ffprobe: Tool,
  source: Source,
  index: FrameIndex,
  { from, end, signal }: { from: bigint; end: bigint; signal?: AbortSignal },
): Promise<KeyframeLook[]> {
  const looks: KeyframeLook[] = []
  let before: string | undefined
  await readKeyframes(ffprobe, source, index, {
    ...(signal === undefined ? {} : { signal }),
    entries: LOOK_ENTRIES,
    background: true,
    onKeyframe(pts, told) {
      const look = told.join()
      const [width, height, pixelFormat = '', sampleAspectRatio = '', range, matrix] = told
      const [, , , , , , primaries = '', transfer = ''] = told
      if (pts >= end || looks.length >= LOOKS_MAX) return
      if (pts <= from) looks.length = 0
      else if (look === before) return
      before = look
      const [size, levels] = [`${width}x${height}`, `${range} ${matrix}`]
      looks.push({ pts, size, pixelFormat, sampleAspectRatio, levels, primaries, transfer })
    },
  })
  return looks
}

/** In ffprobe's order. */
const LOOK_ENTRIES =
  'width,height,pix_fmt,sample_aspect_ratio,color_range,color_space,color_primaries,color_transfer'
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
async function readKeyframes(
  ffprobe: Tool,
  source: Source,
  index: FrameIndex,
  {
    signal,
    entries,
    background = false,
    onKeyframe,
  }: {
    signal?: AbortSignal
    entries: string
    background?: boolean
    /** @param told in ffprobe's order of the entries */
    onKeyframe(pts: bigint, told: readonly string[]): void
  },
): Promise<void> {
  if (index.keyframes.length === index.pts.length) return
  const count = entries.split(',').length
  try {
    await run(
      ffprobe,
      [
        ...['-v', 'error', '-f', source.format, '-select_streams', `${source.video.index}`],
        ...['-skip_frame', 'nokey', '-show_entries', `frame=best_effort_timestamp,${entries}`],
        ...['-of', 'csv=p=0', fileUrl(source.path)],
      ],
      {
        signal,
        background,
        onLine(line) {
          // A frame's side data follows.
          const [time = '', ...told] = line.split(',').slice(0, 1 + count)
          if (/^-?\d+$/.test(time) && told.length === count) onKeyframe(BigInt(time), told)
        },
      },
    )
  } catch (error) {
    signal?.throwIfAborted()
    // What cannot be decoded says so elsewhere.
    if (!(error instanceof MediaError)) throw error
  }
}

async function findChange(
  ffprobe: Tool,
  source: Source,
  index: FrameIndex,
  { signal, entries }: { signal?: AbortSignal; entries: string },
): Promise<bigint | undefined> {
  let before: string | undefined
  let change: bigint | undefined
  const enough = new AbortController()
  const signals = [enough.signal, signal].filter((each) => each !== undefined)
  const reading = readKeyframes(ffprobe, source, index, {
    signal: AbortSignal.any(signals),
    entries,
    onKeyframe(pts, told) {
      before ??= told.join()
      if (told.join() === before) return
      change ??= pts
      enough.abort()
    },
  })
  await reading.catch((error: unknown) => {
    signal?.throwIfAborted()
    if (!enough.signal.aborted) throw error
  })
  return change
}
