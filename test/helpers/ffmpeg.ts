/** The FFmpeg programs as tests use them: to make clips, and to read back what a file holds without the code under test. */
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { locateTools, readCapabilities, type Tool } from '../../src/media/index.ts'

const execute = promisify(execFile)

/** Shorter than a test may take, so that it is known what has hung. */
const TOOL_MS = 100_000

/** The programs that ffswarm itself would use here. */
export const tools = await locateTools({
  env: process.env,
  platform: process.platform,
  arch: process.arch,
  // Made only where an installed package can neither be run nor be made executable.
  cacheDir: join(tmpdir(), 'ffswarm-test-tools'),
})

export const capabilities = await readCapabilities(tools.ffmpeg)

export async function ffmpeg(...args: readonly string[]): Promise<string> {
  return await output(tools.ffmpeg, ['-v', 'error', '-nostdin', '-y', ...args])
}

export async function ffprobe(...args: readonly string[]): Promise<string> {
  return await output(tools.ffprobe, ['-v', 'error', ...args])
}

let encoderList: Promise<string> | undefined

/** Which of these encoders this ffmpeg lacks. */
export async function missingEncoders(names: readonly string[]): Promise<string[]> {
  encoderList ??= ffmpeg('-hide_banner', '-encoders')
  const list = await encoderList
  return names.filter((name) => !new RegExp(`^ [VAS][A-Z.]{5} ${name} `, 'm').test(list))
}

/** One line for each decoded frame of the first video: time in the stream's ticks, and the md5 of its pixels. */
export async function decodedFrames(path: string): Promise<string[]> {
  const text = await ffmpeg(
    ...['-i', `file:${path}`, '-map', '0:V:0', '-c:v', 'rawvideo'],
    ...['-fps_mode:v', 'passthrough', '-enc_time_base:v', '-1', '-f', 'framemd5', '-'],
  )
  return text.split('\n').flatMap((line) => {
    const [, , pts, , , md5] = line.split(',').map((field) => field.trim())
    return line.startsWith('#') || pts === undefined || md5 === undefined ? [] : [`${pts} ${md5}`]
  })
}

/** What a file holds beside its pictures. */
export interface Contents {
  /** The presentation times of the first video's packets, in order, in the stream's ticks. */
  readonly videoTimes: readonly number[]
  /** The packets of all streams but those of video, stream by stream; how they are interleaved is the muxer's matter. */
  readonly otherPackets: readonly OtherPacket[]
  /** What it says about its streams, tags, dispositions, colours and chapters. */
  readonly description: Description
}

export interface OtherPacket {
  /** Stream, size and a digest of the bytes. */
  readonly content: string
  /** Seconds. */
  readonly pts: number
  readonly duration: number
}

export interface Description {
  readonly streams: readonly Readonly<Record<string, unknown>>[]
  readonly tags: Readonly<Record<string, string>>
  readonly chapters: unknown
}

interface Packet {
  codec_type: string
  stream_index: number
  pts?: number
  pts_time?: string
  duration_time?: string
  size: string
  data_hash: string
}

const SECTIONS = [
  'packet=codec_type,stream_index,pts,pts_time,duration_time,size,data_hash',
  `stream=${[
    ...[
      'index',
      'codec_name',
      'codec_type',
      'codec_tag_string',
      'profile',
      'level',
      'time_base',
      'start_pts',
    ],
    ...[
      'duration',
      'width',
      'height',
      'pix_fmt',
      'sample_aspect_ratio',
      'display_aspect_ratio',
      'field_order',
    ],
    ...['color_range', 'color_space', 'color_transfer', 'color_primaries', 'chroma_location', 'has_b_frames'],
    ...['r_frame_rate', 'sample_rate', 'channels', 'channel_layout'],
  ].join(',')}`,
  ...['stream_tags', 'stream_disposition', 'stream_side_data', 'format_tags', 'chapter', 'chapter_tags'],
]

/** Everything in one reading: most of the time that a small file takes is the start of the program. */
export async function contents(path: string): Promise<Contents> {
  const text = await ffprobe(
    ...['-show_data_hash', 'md5', '-show_chapters', '-show_entries', SECTIONS.join(':')],
    ...['-of', 'json', `file:${path}`],
  )
  const { packets, streams, format, chapters } = JSON.parse(text) as {
    packets: Packet[]
    streams: (Record<string, unknown> & StreamKind)[]
    format: { tags: Record<string, string> }
    chapters: unknown
  }
  const video = streams.find(
    ({ codec_type: type, disposition }) => type === 'video' && disposition?.attached_pic !== 1,
  )
  return {
    videoTimes: packets
      .flatMap(({ stream_index, pts }) => (stream_index === video?.index ? [pts ?? Number.NaN] : []))
      .sort((a, b) => a - b),
    otherPackets: packets
      .filter(({ codec_type }) => codec_type !== 'video')
      .sort((a, b) => a.stream_index - b.stream_index)
      .map((packet, place, all) => ({
        content: `${packet.stream_index} ${packet.codec_type} ${packet.size} ${packet.data_hash}`,
        pts: Number(packet.pts_time),
        duration: Number(packet.duration_time ?? untilNext(packet, all[place + 1])),
      })),
    description: { streams, tags: format.tags, chapters },
  }
}

/** Seconds: Matroska tells no duration of most packets, and what ffprobe makes of the first depends on how the streams lie. */
function untilNext(packet: Packet, next: Packet | undefined): number {
  if (packet.stream_index !== next?.stream_index) return Number.NaN
  return Number((Number(next.pts_time) - Number(packet.pts_time)).toFixed(6))
}

export async function videoTimes(path: string): Promise<readonly number[]> {
  return (await contents(path)).videoTimes
}

export async function otherPackets(path: string): Promise<readonly OtherPacket[]> {
  return (await contents(path)).otherPackets
}

interface StreamKind {
  index: number
  codec_type: string
  disposition?: { attached_pic: number }
}

/** What each frame of the first video says of itself: colours, fields, shape, side data. */
export async function frameTraits(path: string): Promise<unknown[]> {
  const fields = [
    ...['pts', 'sample_aspect_ratio', 'interlaced_frame', 'top_field_first', 'repeat_pict', 'pix_fmt'],
    ...['color_range', 'color_space', 'color_primaries', 'color_transfer', 'chroma_location'],
  ]
  const text = await ffprobe(
    ...['-select_streams', 'V:0', '-show_frames', '-of', 'json'],
    ...['-show_entries', `frame=${fields.join(',')}:frame_side_data`, `file:${path}`],
  )
  const { frames } = JSON.parse(text) as { frames: { side_data_list?: { side_data_type: string }[] }[] }
  // x264 and x265 sign their first frame, which is one more in each segment.
  return frames.map(({ side_data_list: list = [], ...frame }) => ({
    ...frame,
    sideData: list.filter(({ side_data_type: kind }) => !/User Data Unregistered/.test(kind)),
  }))
}

async function output({ name, path, env }: Tool, args: readonly string[]): Promise<string> {
  try {
    const options = { maxBuffer: 256 << 20, timeout: TOOL_MS, killSignal: 'SIGKILL' } as const
    const { stdout } = await execute(path, args, { ...options, env: { ...process.env, ...env } })
    return stdout
  } catch (error) {
    if (!(error instanceof Error && 'killed' in error && error.killed === true)) throw error
    throw new Error(`this ${name} of a test has hung: ${args.join(' ')}`, { cause: error })
  }
}
