/** What a file says of its video: the codec, and how its pictures are to be shown. */
import { z } from 'zod'
import { type FilePlace, fileAccess, run, type Tool } from '../ffmpeg/index.ts'
import type { OutputFormat } from '../output-format.ts'
import { fileUrl } from '../probe.ts'
import type { Finding } from './finding.ts'

/** What ffprobe says, by its own names; `unknown` stands for what a file does not say. */
export type VideoDescription = ReadonlyMap<string, string>

/** ffprobe's entries, and what people call them. */
const ENTRIES: ReadonlyMap<string, string> = new Map([
  ['codec_name', 'codec'],
  ['width', 'width'],
  ['height', 'height'],
  ['pix_fmt', 'pixel format'],
  ['sample_aspect_ratio', 'sample aspect ratio'],
  ['color_range', 'colour range'],
  ['color_space', 'colour matrix'],
  ['color_transfer', 'transfer characteristic'],
  ['color_primaries', 'colour primaries'],
  ['chroma_location', 'chroma location'],
])

const shape = z.object({
  streams: z.array(z.record(z.string(), z.union([z.string(), z.number()]).catch(''))),
})

/** @param stream its index in the file */
export async function describeVideo(
  ffprobe: Tool,
  video: FilePlace & { readonly format: string; readonly stream: number },
  options: { signal?: AbortSignal } = {},
): Promise<VideoDescription> {
  const lines: string[] = []
  await run(
    ffprobe,
    [
      ...['-v', 'error', '-f', video.format, '-select_streams', `${video.stream}`],
      ...['-show_entries', `stream=${DESCRIPTION_ENTRIES}`, '-of', 'json', fileUrl(video.path)],
    ],
    { ...options, access: fileAccess([video]), onLine: (line) => void lines.push(line) },
  )
  const [found = {}] = shape.parse(JSON.parse(lines.join('\n'))).streams
  return toDescription(found)
}

/** As ffprobe's `-show_entries` takes them. */
export const DESCRIPTION_ENTRIES = [...ENTRIES.keys()].join(',')

export function toDescription(fields: Readonly<Record<string, string | number>>): VideoDescription {
  return new Map([...ENTRIES.keys()].map((name) => [name, `${fields[name] ?? 'unknown'}`]))
}

export function compareDescriptions(actual: VideoDescription, expected: VideoDescription): Finding[] {
  return differences(actual, expected).map((difference) => ({
    code: 'OUTPUT_STREAMS',
    detail: `the video's ${difference}`,
  }))
}

/** What of a segment's pictures is shown otherwise than the film's first frame, such as `colour matrix is bt709 instead of unknown`. */
export function differencesInTags(
  encoder: string,
  actual: VideoDescription,
  expected: VideoDescription,
): string[] {
  return differences(actual, expected, followsColours(encoder) ? /^color_/ : undefined)
}

/** Whether each picture tells its own colours, in a single run too; others tell those of the first. */
export function followsColours(encoder: string): boolean {
  return encoder.startsWith('prores')
}

/**
 * Whether a single run's pictures change their sample aspect ratio with the source's, from some keyframe on. Up to FFmpeg 6 encoders
 * are told of it, and these pass it on where their headers stand in the stream.
 */
export function followsAspectRatio(
  encoder: string,
  format: Pick<OutputFormat, 'muxer'>,
  libavcodec: number,
): boolean {
  if (libavcodec >= 61) return false
  const inStream = format.muxer === 'mpegts' && /^(libx264|mpeg4$|libxvid$)/.test(encoder)
  return inStream || /^mpeg[12]video$/.test(encoder)
}

/** Whether a run's pictures say of their mastering display and light level what the run's first picture said. From FFmpeg 7 on. */
export function keepsHdr(encoder: string, libavcodec: number): boolean {
  return (
    libavcodec >= 61 && /^lib(x26[45]|svtav1|aom|rav1e)|_(nvenc|qsv|vaapi|amf|videotoolbox)$/.test(encoder)
  )
}

function differences(actual: VideoDescription, expected: VideoDescription, except?: RegExp): string[] {
  return [...ENTRIES].flatMap(([name, words]) => {
    const [is, shouldBe] = [actual.get(name), expected.get(name)]
    return is === shouldBe || except?.test(name) === true ? [] : [`${words} is ${is} instead of ${shouldBe}`]
  })
}
