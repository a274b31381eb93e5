/** Whether a file decodes: every frame of its video and of its audio, and what the decoders complain about. */
import { MediaError } from '../failure.ts'
import { fileAccess, run, type Tool } from '../ffmpeg/index.ts'
import { fileUrl, type Source } from '../probe.ts'
import type { DecodingFinding } from './finding.ts'

/**
 * The video was encoded just now and has no excuse. Audio that is a copy has the faults of its source: those do not count.
 *
 * @param source what the audio was made of
 */
export async function checkDecoding(
  ffmpeg: Tool,
  file: Source,
  source: Source,
  options: { signal?: AbortSignal } = {},
): Promise<DecodingFinding[]> {
  const video = await complaints(ffmpeg, file, `0:${file.video.index}`, options)
  const hasAudio = file.streams.some(({ kind }) => kind === 'audio')
  const audio = hasAudio ? await complaints(ffmpeg, file, '0:a', options) : []
  const excused = audio.length > 0 && (await complaints(ffmpeg, source, '0:a', options)).length > 0
  return [video, excused ? [] : audio].flatMap(([detail, ...more]) =>
    detail === undefined ? [] : [{ code: 'OUTPUT_DECODING' as const, detail, more: more.length }],
  )
}

/** The last 16 KiB of lines that ffmpeg's decoders and demuxers print, without addresses. */
async function complaints(
  ffmpeg: Tool,
  file: Source,
  map: string,
  options: { signal?: AbortSignal },
): Promise<string[]> {
  try {
    const { stderrTail } = await run(
      ffmpeg,
      [
        ...['-v', 'error', '-nostdin', '-f', file.format, '-i', fileUrl(file.path), '-map', map],
        ...['-fps_mode:v', 'passthrough', '-f', 'null', '-'],
      ],
      { ...options, access: fileAccess([file]) },
    )
    return stderrTail.split(/[\r\n]+/).flatMap(toComplaint)
  } catch (error) {
    if (!(error instanceof MediaError)) throw error
    return [error.message]
  }
}

/** What the null muxer says of the order of times is about times alone, and those are checked elsewhere. */
function toComplaint(line: string): string[] {
  const text = line
    .replace(/ @ 0x[0-9a-f]+\]/, ']')
    .trim()
    .slice(0, 300)
  return text === '' || /^\[null\]|^Last message repeated/.test(text) ? [] : [text]
}
