/** Films whose pictures change on the way in more than what they show. */
import { MediaError } from './failure.ts'
import { fileAccess, readLibavcodec, run, type Tool } from './ffmpeg/index.ts'
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
        access: fileAccess([source]),
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
