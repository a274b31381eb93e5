/**
 * What a source is: its container, its streams and their time bases, read by ffprobe without decoding or counting.
 */
import { open, stat } from 'node:fs/promises'
import { z } from 'zod'
import { MediaError } from './failure.ts'
import { fileAccess, run, type Tool } from './ffmpeg/index.ts'
import { parseRational, type Rational } from './rational.ts'
import { listFormat, whyFormatRefused, whyKindRefused, whyMissing, whyNotAFile } from './refused-input.ts'

export type StreamKind = 'video' | 'audio' | 'subtitle' | 'data' | 'attachment'

export interface SourceStream {
  /** Its place in the file, as in FFmpeg's `-map 0:INDEX`. */
  readonly index: number
  readonly kind: StreamKind
  /** FFmpeg's codec name; `tmcd` for a track of timecode, `unknown` where it has none. */
  readonly codec: string
  readonly timeBase: Rational
  /** Names of the dispositions that are set, such as `default`, `forced`, `attached_pic`. */
  readonly dispositions: readonly string[]
  readonly language: string | undefined
}

export interface VideoStream extends SourceStream {
  readonly kind: 'video'
  readonly width: number
  readonly height: number
  /** FFmpeg's name, such as `yuv420p10le`; empty where it is not known. */
  readonly pixelFormat: string
  /** The lowest rate that fits all timestamps (r_frame_rate). */
  readonly realFrameRate: Rational | undefined
  readonly averageFrameRate: Rational | undefined
}

export interface Source {
  readonly path: string
  /** Where it is open in this process, so that it is the same file to the end whatever its name stands for by then. */
  readonly fd?: number | undefined
  readonly sizeBytes: number
  /** The demuxer's first name, as `-f` takes it: `mov`, `matroska`, `mpegts`, … */
  readonly format: string
  /** The container's own idea of its length in seconds; a hint, never a basis for timestamps. */
  readonly durationSeconds: number | undefined
  /** The container's start as ffmpeg holds it: that of its earliest stream. */
  readonly startMicroseconds: bigint | undefined
  readonly streams: readonly SourceStream[]
  /** The stream that is encoded: the first that is no still picture. */
  readonly video: VideoStream
  readonly chapters: number
}

const probeOutput = z.object({
  format: z.object({
    format_name: z.string(),
    duration: z.string().optional(),
    start_time: z.string().optional(),
  }),
  streams: z.array(
    z.object({
      index: z.number().int(),
      codec_type: z.string().optional(),
      codec_name: z.string().optional(),
      codec_tag_string: z.string().optional(),
      time_base: z.string(),
      width: z.number().optional(),
      height: z.number().optional(),
      pix_fmt: z.string().optional(),
      r_frame_rate: z.string().optional(),
      avg_frame_rate: z.string().optional(),
      disposition: z.record(z.string(), z.number()).optional(),
      tags: z.record(z.string(), z.string()).optional(),
    }),
  ),
  chapters: z.array(z.unknown()),
})

export interface ProbeOptions {
  signal?: AbortSignal
  /** As of {@link Source.fd}. */
  fd?: number | undefined
}

/**
 * @throws MediaError INPUT_MISSING, INPUT_NOT_A_FILE, INPUT_EMPTY, INPUT_UNREADABLE or INPUT_WITHOUT_VIDEO.
 */
export async function probe(ffprobe: Tool, path: string, options: ProbeOptions = {}): Promise<Source> {
  const sizeBytes = await sizeOfFile(path)
  const list = listFormat(await readBeginning(path))
  const listed = list === undefined ? undefined : whyKindRefused(list)
  if (listed !== undefined) throw new MediaError({ code: 'INPUT_UNREADABLE', path, detail: listed })
  const output = await readProbe(ffprobe, path, options)
  const format = output.format.format_name.split(',')[0] ?? ''
  const refuse = (detail: string | undefined) => {
    if (detail !== undefined) throw new MediaError({ code: 'INPUT_UNREADABLE', path, detail })
  }
  refuse(whyKindRefused(format))
  const streams = output.streams.map(toStream)
  const video = streams.find(
    (stream): stream is VideoStream => isVideo(stream) && !stream.dispositions.includes('attached_pic'),
  )
  if (video === undefined) throw new MediaError({ code: 'INPUT_WITHOUT_VIDEO', path })
  refuse(whyFormatRefused(format))
  const duration = Number(output.format.duration)
  return {
    path,
    fd: options.fd,
    sizeBytes,
    format,
    durationSeconds: Number.isFinite(duration) && duration > 0 ? duration : undefined,
    startMicroseconds: parseMicroseconds(output.format.start_time),
    streams,
    video,
    chapters: output.chapters.length,
  }
}

/** ffprobe prints microseconds as seconds with six decimals. */
function parseMicroseconds(seconds: string | undefined): bigint | undefined {
  const match = /^(-?)(\d+)\.(\d{6})$/.exec(seconds ?? '')
  return match === null ? undefined : BigInt(`${match[1]}${match[2]}${match[3]}`)
}

/** A path as ffmpeg's file protocol takes it whatever is in it: a colon, a leading dash, a `%d`. */
export function fileUrl(path: string): string {
  return `file:${path}`
}

async function sizeOfFile(path: string): Promise<number> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
      throw new MediaError({ code: 'INPUT_MISSING', path, detail: whyMissing(path) })
    }
    throw new MediaError({ code: 'INPUT_UNREADABLE', path, detail: error.message }, { cause: error })
  })
  if (!stats.isFile()) throw new MediaError({ code: 'INPUT_NOT_A_FILE', path, detail: whyNotAFile(stats) })
  if (stats.size === 0) throw new MediaError({ code: 'INPUT_EMPTY', path })
  return stats.size
}

async function readBeginning(path: string): Promise<string> {
  const file = await open(path, 'r').catch((cause: Error) => {
    const detail = cause.message.replace(/^[A-Z]+: |, open '.*'$/g, '')
    throw new MediaError({ code: 'INPUT_UNREADABLE', path, detail }, { cause })
  })
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(BEGINNING_BYTES), 0, BEGINNING_BYTES, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

const BEGINNING_BYTES = 4096

async function readProbe(
  ffprobe: Tool,
  path: string,
  options: ProbeOptions,
): Promise<z.infer<typeof probeOutput>> {
  const lines: string[] = []
  try {
    await run(
      ffprobe,
      ['-v', 'error', '-show_format', '-show_streams', '-show_chapters', '-of', 'json', fileUrl(path)],
      {
        signal: options.signal,
        access: fileAccess([{ path, fd: options.fd }]),
        onLine: (line) => void lines.push(line),
      },
    )
  } catch (error) {
    options.signal?.throwIfAborted()
    if (!(error instanceof MediaError)) throw error
    const detail = withoutPath(error.words, path)
    throw new MediaError({ code: 'INPUT_UNREADABLE', path, detail }, { cause: error })
  }
  const parsed = probeOutput.safeParse(toJson(ffprobe, lines.join('\n')))
  if (!parsed.success) {
    throw new MediaError({ code: 'INPUT_UNREADABLE', path, detail: 'ffprobe finds no streams in it' })
  }
  return parsed.data
}

/** @throws MediaError TOOL_UNUSABLE */
function toJson({ name, path }: Tool, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MediaError({ code: 'TOOL_UNUSABLE', tool: name, path, detail: 'it prints no JSON' }, { cause })
  }
}

function withoutPath(detail: string, path: string): string {
  const prefix = `${fileUrl(path)}: `
  return detail.startsWith(prefix) ? detail.slice(prefix.length) : detail
}

type ProbedStream = z.infer<typeof probeOutput>['streams'][number]

function toStream(probed: ProbedStream): SourceStream | VideoStream {
  const stream: SourceStream = {
    index: probed.index,
    kind: toKind(probed.codec_type),
    codec: probed.codec_name ?? (probed.codec_tag_string === 'tmcd' ? 'tmcd' : 'unknown'),
    timeBase: parseRational(probed.time_base) ?? { num: 1, den: 1_000 },
    dispositions: Object.entries(probed.disposition ?? {}).flatMap(([name, set]) =>
      set === 1 ? [name] : [],
    ),
    language: probed.tags?.language,
  }
  if (stream.kind !== 'video') return stream
  return {
    ...stream,
    width: probed.width ?? 0,
    height: probed.height ?? 0,
    pixelFormat: probed.pix_fmt ?? '',
    realFrameRate: parseRational(probed.r_frame_rate ?? ''),
    averageFrameRate: parseRational(probed.avg_frame_rate ?? ''),
  } as VideoStream
}

function toKind(codecType: string | undefined): StreamKind {
  switch (codecType) {
    case 'video':
    case 'audio':
    case 'subtitle':
    case 'attachment':
      return codecType
    default:
      return 'data'
  }
}

function isVideo(stream: SourceStream): stream is VideoStream {
  return stream.kind === 'video'
}
