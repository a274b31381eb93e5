/** Encodes the film's first frame before any work is shared out: bad params end here, in ffmpeg's own words. */
import { join } from 'node:path'
import { MediaError, mediaErrorOf } from './failure.ts'
import { fileAccess, run, type Tool } from './ffmpeg/index.ts'
import { readDefaultDuration } from './matroska-rate.ts'
import { type Opening, openingArguments } from './opening.ts'
import { withoutTag } from './params/index.ts'
import { fileUrl } from './probe.ts'
import { SEGMENT_CONTAINERS, type SegmentContainer } from './segment/task.ts'
import { type InspectedSegment, inspectSegment } from './verify.ts'

interface Options {
  signal?: AbortSignal
  scratchDir: string
}

interface Tools {
  ffmpeg: Tool
  ffprobe: Tool
}

/**
 * @returns the container whose muxer takes the encoder's output for segments
 * @throws MediaError PARAMS_REJECTED with ffmpeg's reason; PARAMS_INVALID where it is but these containers that refuse.
 */
export async function preflight(ffmpeg: Tool, opening: Opening, options: Options): Promise<SegmentContainer> {
  const refusalBy = (muxer: string) => mediaErrorOf(encodeFirstFrame(ffmpeg, opening, muxer, options))
  let cause: MediaError | undefined
  for (const container of SEGMENT_CONTAINERS) {
    const refusal = await refusalBy(container)
    if (refusal === undefined) return container
    cause ??= refusal
  }
  const words = cause?.words ?? ''
  if (await refusalBy('null')) throw new MediaError({ code: 'PARAMS_REJECTED', detail: words }, { cause })
  const detail = `segments are ${SEGMENT_CONTAINERS.join(' or ')}, and neither holds what it makes (${words}); choose other options, or another encoder such as libvpx-vp9`
  throw new MediaError(
    { code: 'PARAMS_INVALID', option: `-c:v ${opening.params.encoder}`, detail },
    { cause },
  )
}

/** Where `preflight` leaves the first frame, encoded. */
export function firstFramePath(container: SegmentContainer, { scratchDir }: Options): string {
  return join(scratchDir, `preflight.${container}`)
}

/** What a single run says of its video, and what a segment cannot say. */
export interface StreamTags {
  /** Names and values of ffmpeg's options, to be given a stream specifier. */
  readonly options: readonly string[]
  /** How long a frame nominally lasts; undefined where Matroska would not say it. */
  readonly frameNanoseconds: bigint | undefined
}

/**
 * What the joined stream says in a single run into Matroska. mp4 leaves colour tags out unless all are known, and has no
 * field order and no nominal rate; mov has no colour range.
 */
export async function readStreamTags(tools: Tools, opening: Opening, options: Options): Promise<StreamTags> {
  const untagged = { ...opening, params: withoutTag(opening.params) }
  const path = await encodeFirstFrame(tools.ffmpeg, untagged, 'matroska', options)
  const tags: string[] = []
  const reading = run(
    tools.ffprobe,
    [
      ...['-v', 'error', '-show_entries', `stream=${[...TAG_OPTIONS.keys()].join(',')}`],
      ...['-of', 'default=noprint_wrappers=1', fileUrl(path)],
    ],
    {
      signal: options.signal,
      access: fileAccess([{ path }]),
      onLine(line) {
        const [name = '', value = 'unknown'] = line.split('=')
        const option = TAG_OPTIONS.get(name)
        if (option === undefined || value === 'unknown' || value === 'unspecified') return
        tags.push(option, OPTION_VALUES.get(`${option} ${value}`) ?? value)
      },
    },
  )
  // QuickTime animation cannot be read from Matroska: such a film stays in mov, which tells its tags itself.
  await mediaErrorOf(reading)
  return { options: tags, frameNanoseconds: await readDefaultDuration(path, 0) }
}

/** ffprobe's names of a stream's tags, and ffmpeg's options for them. */
const TAG_OPTIONS: ReadonlyMap<string, string> = new Map([
  ['color_range', '-color_range'],
  ['color_space', '-colorspace'],
  ['color_transfer', '-color_trc'],
  ['color_primaries', '-color_primaries'],
  ['chroma_location', '-chroma_sample_location'],
  ['field_order', '-field_order'],
])

/** Where an option calls a value otherwise than ffprobe does. */
const OPTION_VALUES: ReadonlyMap<string, string> = new Map([
  ['-colorspace gbr', 'rgb'],
  ['-color_trc bt470m', 'gamma22'],
  ['-color_trc bt470bg', 'gamma28'],
])

async function encodeFirstFrame(
  ffmpeg: Tool,
  opening: Opening,
  muxer: string,
  options: Options,
): Promise<string> {
  return await encodeFirstFrames(ffmpeg, opening, muxer, { ...options, name: 'preflight', frames: 1 })
}

/** @returns the file, in the scratch directory under this name */
export async function encodeFirstFrames(
  ffmpeg: Tool,
  opening: Opening,
  muxer: string,
  options: Options & { name: string; frames: number },
): Promise<string> {
  const path = join(options.scratchDir, `${options.name}.${muxer}`)
  const args = [...openingArguments(opening, options.frames), '-f', muxer, fileUrl(path)]
  const given = { signal: options.signal, access: fileAccess([opening.source], [path]) }
  const failure = await mediaErrorOf(run(ffmpeg, args, given))
  if (failure?.code === 'TOOL_STALLED') await run(ffmpeg, args, given)
  else if (failure !== undefined) throw failure
  return path
}

/**
 * The first encoded frame: its size and pixel format are those of the whole film, whatever its later pictures are like, and
 * its parameter sets those of every segment that this encoder makes (compared for x264, x265, SVT-AV1, libaom, MPEG-2 and
 * MPEG-4 of two FFmpegs).
 *
 * @throws MediaError PARAMS_INVALID where the container does not tell what the encoder made.
 */
export async function inspectFirstFrame(
  tools: Tools,
  opening: Opening,
  container: SegmentContainer,
  options: Options,
): Promise<InspectedSegment> {
  const { params } = opening
  const path = firstFramePath(container, options)
  let inspected: InspectedSegment | undefined
  const cause = await mediaErrorOf(
    inspectSegment(tools.ffprobe, path, container, options).then((found) => {
      inspected = found
    }),
  )
  if (params.encoder === 'rawvideo') {
    const nut = await encodeFirstFrame(tools.ffmpeg, opening, 'nut', options)
    const made = await readEntry(tools.ffprobe, nut, 'stream=pix_fmt', options)
    if (inspected?.picture.endsWith(` ${made}`) !== true) {
      const detail = `segments are ${container}, which does not hold raw ${made} pictures; use -c:v ffv1, which loses nothing either, and make raw pictures of its output with ffmpeg`
      throw new MediaError({ code: 'PARAMS_INVALID', option: '-c:v rawvideo', detail }, { cause })
    }
  }
  if (params.encoder.startsWith('libvpx')) await refuseAlpha()
  if (inspected !== undefined) return inspected
  const detail = `segments are ${container}, which does not hold what it makes (${cause?.words}); use another encoder, such as ffv1`
  throw new MediaError({ code: 'PARAMS_INVALID', option: `-c:v ${params.encoder}`, detail }, { cause })

  /** VP8 and VP9 have their transparency in a second picture beside each, for which Matroska alone has a place. */
  async function refuseAlpha(): Promise<void> {
    const path = await encodeFirstFrame(tools.ffmpeg, opening, 'matroska', options)
    // The stream's tag may be the source's.
    const sideData = await readEntry(tools.ffprobe, path, 'packet_side_data=side_data_type', options)
    if (sideData !== 'Matroska BlockAdditional') return
    const detail = `segments are ${container}, which does not hold the transparency that it makes; add -pix_fmt yuv420p to leave it out, or use -c:v ffv1 or -c:v prores_ks -pix_fmt yuva444p10le, which keep it`
    throw new MediaError({ code: 'PARAMS_INVALID', option: `-c:v ${params.encoder}`, detail })
  }
}

/** What ffprobe says of the only stream; empty where it says nothing. */
async function readEntry(ffprobe: Tool, path: string, entry: string, { signal }: Options): Promise<string> {
  let value = ''
  await run(ffprobe, ['-v', 'error', '-show_entries', entry, '-of', 'default=nw=1:nk=1', fileUrl(path)], {
    signal,
    access: fileAccess([{ path }]),
    onLine(line) {
      value = line.trim()
    },
  })
  return value
}
