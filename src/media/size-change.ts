/**
 * A film whose pictures change their size or pixel format on the way. FFmpeg builds its filters anew there: those that look at
 * several frames forget what was before, and some lose a frame.
 */
import { MediaError } from './failure.ts'
import { run, type Tool } from './ffmpeg/index.ts'
import type { FrameIndex } from './frame-index.ts'
import { fileUrl, type Source } from './probe.ts'
import { toSeconds } from './rational.ts'

/**
 * Decodes the keyframes alone, since such a change comes with one. Films of nothing but keyframes are not looked at: that
 * would be all of them.
 *
 * @returns the seconds from the first frame at which it happens; undefined where it does not, or cannot be told
 */
export async function findSizeChange(
  ffprobe: Tool,
  source: Source,
  index: FrameIndex,
  options: { signal?: AbortSignal } = {},
): Promise<number | undefined> {
  if (index.keyframes.length === index.pts.length) return undefined
  let before: string | undefined
  let change: number | undefined
  const enough = new AbortController()
  const signals = [enough.signal, options.signal].filter((signal) => signal !== undefined)
  try {
    await run(
      ffprobe,
      [
        ...['-v', 'error', '-f', source.format, '-select_streams', `${source.video.index}`],
        ...['-skip_frame', 'nokey', '-show_entries', 'frame=best_effort_timestamp,width,height,pix_fmt'],
        ...['-of', 'csv=p=0', fileUrl(source.path)],
      ],
      {
        signal: AbortSignal.any(signals),
        onLine(line) {
          const [, pts, picture] = FRAME.exec(line) ?? []
          if (pts === undefined) return
          before ??= picture
          if (picture === before) return
          change ??= toSeconds(BigInt(pts) - (index.pts[0] ?? 0n), index.timeBase)
          enough.abort()
        },
      },
    )
  } catch (error) {
    options.signal?.throwIfAborted()
    // What cannot be decoded says so elsewhere.
    if (!enough.signal.aborted && !(error instanceof MediaError)) throw error
  }
  return change
}

/** `2000,160,96,yuv420p`: its time, then size and pixel format. */
const FRAME = /^(-?\d+),(\d+,\d+,\w+)/
