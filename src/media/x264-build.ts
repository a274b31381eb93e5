/**
 * The x264 build that an H.264 stream names, mostly in its first packet alone. FFmpeg's decoder makes up for what builds
 * before 151 got wrong in 4:4:4 and in lossless pictures, so a decoder that starts later has to be told.
 */
import { fileAccess, run, type Tool } from './ffmpeg/index.ts'
import { fileUrl, type Source } from './probe.ts'

/** @returns undefined for other codecs and encoders */
export async function readX264Build(
  ffmpeg: Tool,
  source: Source,
  options: { signal?: AbortSignal } = {},
): Promise<number | undefined> {
  if (source.video.codec !== 'h264') return undefined
  let build: number | undefined
  await run(
    ffmpeg,
    [
      ...['-v', 'error', '-nostdin', '-f', source.format, '-i', fileUrl(source.path)],
      ...['-map', `0:${source.video.index}`, '-c', 'copy', '-frames:v', '1', '-f', 'data', 'pipe:1'],
    ],
    {
      ...options,
      access: fileAccess([source]),
      onLine(line) {
        // Plain text among the bytes of a user data message.
        const digits = /x264 - core (\d{1,6})\b/.exec(line)?.[1]
        if (digits !== undefined) build ??= Number(digits)
      },
    },
  )
  return build
}
