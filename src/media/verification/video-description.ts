/** What a file says of its video: the codec, and how its pictures are to be shown. */
import { z } from 'zod'
import { run, type Tool } from '../ffmpeg/index.ts'
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
  { path, format, stream }: { path: string; format: string; stream: number },
  options: { signal?: AbortSignal } = {},
): Promise<VideoDescription> {
  const lines: string[] = []
  await run(
    ffprobe,
    [
      ...['-v', 'error', '-f', format, '-select_streams', `${stream}`],
      ...['-show_entries', `stream=${[...ENTRIES.keys()].join(',')}`, '-of', 'json', fileUrl(path)],
    ],
    { ...options, onLine: (line) => void lines.push(line) },
  )
  const [found = {}] = shape.parse(JSON.parse(lines.join('\n'))).streams
  return new Map([...ENTRIES.keys()].map((name) => [name, `${found[name] ?? 'unknown'}`]))
}

export function compareDescriptions(actual: VideoDescription, expected: VideoDescription): Finding[] {
  return [...ENTRIES].flatMap(([name, words]) => {
    const [is, shouldBe] = [actual.get(name), expected.get(name)]
    if (is === shouldBe) return []
    return [
      { code: 'OUTPUT_STREAMS' as const, detail: `the video's ${words} is ${is} instead of ${shouldBe}` },
    ]
  })
}
