/** What a file says of its streams and chapters beside the pictures and the times: codec, sound, dispositions, titles. */
import { z } from 'zod'
import { type FilePlace, fileAccess, run, type Tool } from '../ffmpeg/index.ts'
import { type EncodeParams, keepsChapters, trimArguments } from '../params/index.ts'
import { fileUrl, type Source } from '../probe.ts'
import type { Finding } from './finding.ts'

const shape = z.object({
  format: z.object({ tags: z.record(z.string(), z.string()).default({}) }).default({ tags: {} }),
  streams: z
    .array(
      z.looseObject({
        codec_type: z.string().optional(),
        disposition: z.record(z.string(), z.number()).default({}),
        tags: z.record(z.string(), z.string()).default({}),
      }),
    )
    .default([]),
})

type Described = z.infer<typeof shape>['streams'][number]

/** ffprobe's entries, and what people call them. */
const ENTRIES: ReadonlyMap<string, string> = new Map([
  ['codec_name', 'codec'],
  ['sample_rate', 'sample rate'],
  ['channels', 'number of channels'],
  ['channel_layout', 'channel layout'],
])

/** As a file tells of itself, and of its streams in their order. */
export interface FileDescription {
  readonly tags: Readonly<Record<string, string>>
  readonly streams: readonly Described[]
}

/** @param file its format is the demuxer to use */
export async function describeStreams(
  ffprobe: Tool,
  file: FilePlace & { readonly format: string },
  options: { signal?: AbortSignal } = {},
): Promise<FileDescription> {
  const lines: string[] = []
  await run(
    ffprobe,
    ['-v', 'error', '-f', file.format, '-show_format', '-show_streams', '-of', 'json', fileUrl(file.path)],
    {
      ...options,
      access: fileAccess([file]),
      onLine: (line) => void lines.push(line),
    },
  )
  const { format: told, streams } = shape.parse(JSON.parse(lines.join('\n')))
  return { tags: lowercased(told.tags), streams }
}

/**
 * Where streams are missing, or there are more, that is found elsewhere.
 *
 * @param expected of a file that the same params make of the same source's beginning
 */
export function compareStreams(actual: FileDescription, expected: FileDescription): Finding[] {
  const ofFilm = TAGS.flatMap((tag): Finding[] => {
    const [is, shouldBe] = [actual.tags[tag], expected.tags[tag]]
    if (is === shouldBe) return []
    return [
      {
        code: 'OUTPUT_STREAMS',
        detail: `the film's ${tag} is ${is ?? 'not told'} instead of ${shouldBe ?? 'none'}`,
      },
    ]
  })
  const ofStreams = KINDS.flatMap((kind) => {
    const [found, wanted] = [actual, expected].map(({ streams }) =>
      streams.filter(({ codec_type: type }) => type === kind),
    )
    if (found === undefined || wanted === undefined || found.length !== wanted.length) return []
    return wanted.flatMap((stream, place): Finding[] =>
      differences(found[place] ?? stream, stream).map((difference) => ({
        code: 'OUTPUT_STREAMS',
        detail: `${kind} stream ${place}: its ${difference}`,
      })),
    )
  })
  return [...ofFilm, ...ofStreams]
}

/** What people write there. */
const TAGS = ['title', 'comment', 'artist', 'description', 'copyright'] as const

/** Containers differ in how they spell them. */
function lowercased(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).map(([name, value]) => [name.toLowerCase(), value]))
}

const KINDS = ['video', 'audio', 'subtitle', 'attachment'] as const

function differences(actual: Described, expected: Described): string[] {
  const entries = actual.codec_type === 'audio' || actual.codec_type === 'subtitle' ? [...ENTRIES] : []
  const told = [
    // A track of which the beginning holds nothing is told of by halves.
    ...entries
      .filter(([name]) => expected[name] !== undefined && expected[name] !== '0')
      .map(([name, words]) => [words, actual[name], expected[name]] as const),
    ['dispositions', dispositions(actual), dispositions(expected)] as const,
    ['title', actual.tags.title, expected.tags.title] as const,
  ]
  return told.flatMap(([words, is, shouldBe]) =>
    is === shouldBe ? [] : [`${words} is ${is ?? 'not told'} instead of ${shouldBe ?? 'none'}`],
  )
}

function dispositions({ disposition }: Described): string {
  const set = Object.entries(disposition).flatMap(([name, isSet]) => (isSet === 1 ? [name] : []))
  return set.length === 0 ? 'none' : set.join('+')
}

interface Chapter {
  readonly startSeconds: number
  readonly title: string
}

/**
 * Whether the output has the chapters that a single run gives it. Their ends are the next one's start in mp4.
 *
 * @param output.shiftSeconds by which its container has moved all streams
 */
export async function compareChapters(
  ffmpeg: Tool,
  output: { file: Source; shiftSeconds: number },
  { source, params }: { source: Source; params: EncodeParams },
  options: { signal?: AbortSignal } = {},
): Promise<Finding[]> {
  const isKept = keepsChapters(params) && output.file.format !== 'mpegts'
  const [actual, expected] = await Promise.all([
    readChapters(ffmpeg, output.file, ['-copyts'], [], options),
    isKept ? readChapters(ffmpeg, source, [], trimArguments(params.trim), options) : [],
  ])
  const wrong = (detail: string): Finding[] => [{ code: 'OUTPUT_STREAMS', detail }]
  if (actual.length !== expected.length) {
    return wrong(`there are ${actual.length} chapters instead of ${expected.length}`)
  }
  for (const [place, { startSeconds, title }] of expected.entries()) {
    const found = actual[place]
    if (found === undefined) continue
    // Matroska's muxer writes them before it knows by how much it moves the streams, mp4's afterwards.
    // The chapters' own track in mp4 begins with the first of them.
    const first = output.file.format === 'mov' ? [-(expected[0]?.startSeconds ?? 0)] : []
    const shifts = [0, output.shiftSeconds, ...first]
    if (shifts.every((shift) => Math.abs(found.startSeconds - shift - startSeconds) > CHAPTER_TOLERANCE)) {
      return wrong(
        `chapter ${place + 1} begins at ${found.startSeconds.toFixed(3)} s instead of ${startSeconds.toFixed(3)} s`,
      )
    }
    if (found.title !== title) {
      return wrong(`chapter ${place + 1} is called '${found.title}' instead of '${title}'`)
    }
  }
  return []
}

// Containers count them in milliseconds, on both sides.
const CHAPTER_TOLERANCE = 0.002_01

/** As FFmpeg writes them down for a run with these options. */
async function readChapters(
  ffmpeg: Tool,
  file: Source,
  inputOptions: readonly string[],
  part: readonly string[],
  options: { signal?: AbortSignal },
): Promise<Chapter[]> {
  if (file.chapters === 0) return []
  const chapters: { startSeconds: number; title: string }[] = []
  let tick = 0
  let isChapter = false
  await run(
    ffmpeg,
    [
      ...['-v', 'error', '-nostdin', ...inputOptions, '-f', file.format, '-i', fileUrl(file.path)],
      ...[...part, '-f', 'ffmetadata', 'pipe:1'],
    ],
    {
      ...options,
      access: fileAccess([file]),
      onLine(line) {
        if (line.startsWith('[')) isChapter = line === '[CHAPTER]'
        if (!isChapter) return
        const [, name, value = ''] = /^(\w+)=(.*)$/.exec(line) ?? []
        if (name === 'TIMEBASE') {
          const [num = 1, den = 1] = value.split('/').map(Number)
          tick = num / den
        } else if (name === 'START') {
          chapters.push({ startSeconds: Number(value) * tick, title: '' })
        } else if (name === 'title') {
          const chapter = chapters.at(-1)
          if (chapter !== undefined) chapter.title = value
        }
      },
    },
  )
  return chapters
}
