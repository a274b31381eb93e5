/** What a video carries beside its pictures: HDR metadata, captions, stereo and the like, as its first frames show it. */
import { z } from 'zod'
import { MediaError } from './failure.ts'
import { type FilePlace, fileAccess, run, type Tool } from './ffmpeg/index.ts'
import { fileUrl } from './probe.ts'

/** FFmpeg's name of a kind of side data, and ffprobe's fields of the first of that kind. */
export type SideData = ReadonlyMap<string, Readonly<Record<string, unknown>>>

export interface PictureTraits {
  readonly pixelFormat: string
  /** FFmpeg's name of the transfer characteristic, such as `smpte2084` (PQ) or `arib-std-b67` (HLG). */
  readonly transfer: string
  /** Of the stream and of its first frames. */
  readonly sideData: SideData
  /** How many frames there are up to the one that brought the last new kind. */
  readonly telling: number
}

/** Captions may begin some frames later; the rest stands at the first. */
const FRAMES_READ = 24

const sideDataList = z.array(z.looseObject({ side_data_type: z.string() })).default([])
const frameOrStream = z.object({
  pix_fmt: z.string().optional(),
  color_transfer: z.string().optional(),
  side_data_list: sideDataList,
})
const output = z.object({
  frames: z.array(frameOrStream).default([]),
  streams: z.array(frameOrStream).default([]),
})
type FirstFrames = z.infer<typeof output>

/** @returns undefined where ffprobe cannot decode the first frames */
export async function readPictureTraits(
  ffprobe: Tool,
  video: FilePlace & { readonly format: string; readonly stream: number },
  options: { signal?: AbortSignal } = {},
): Promise<PictureTraits | undefined> {
  try {
    return toTraits(await readFirstFrames(ffprobe, video, options))
  } catch (error) {
    if (error instanceof MediaError) return undefined
    throw error
  }
}

async function readFirstFrames(
  ffprobe: Tool,
  video: FilePlace & { readonly format: string; readonly stream: number },
  options: { signal?: AbortSignal },
): Promise<FirstFrames> {
  const lines: string[] = []
  await run(
    ffprobe,
    [
      ...['-v', 'error', '-f', video.format, '-select_streams', `${video.stream}`],
      ...['-read_intervals', `%+#${FRAMES_READ}`, '-show_frames', '-of', 'json'],
      '-show_entries',
      'frame=pix_fmt,color_transfer:frame_side_data:stream=pix_fmt,color_transfer:stream_side_data',
      fileUrl(video.path),
    ],
    { signal: options.signal, access: fileAccess([video]), onLine: (line) => void lines.push(line) },
  )
  return output.parse(JSON.parse(lines.join('\n')))
}

function toTraits({ frames, streams }: FirstFrames): PictureTraits {
  const sideData = new Map<string, Record<string, unknown>>()
  let telling = 1
  for (const [place, { side_data_list: list }] of [...streams, ...frames].entries()) {
    for (const { side_data_type: kind, ...fields } of list) {
      if (sideData.has(kind)) continue
      sideData.set(kind, fields)
      telling = Math.max(telling, place - streams.length + 1)
    }
  }
  const told = [frames[0], streams[0]]
  return {
    pixelFormat: told.find((entry) => entry?.pix_fmt !== undefined)?.pix_fmt ?? 'unknown',
    transfer: told.find((entry) => entry?.color_transfer !== undefined)?.color_transfer ?? 'unknown',
    sideData,
    telling,
  }
}
