/** Encodes the source's first frame before any work is shared out: bad params end here, in ffmpeg's own words. */
import { join } from 'node:path'
import { MediaError } from './failure.ts'
import { run, type Tool } from './ffmpeg/index.ts'
import type { EncodeParams } from './params/index.ts'
import { fileUrl, type Source } from './probe.ts'
import { formatRational, type Rational } from './rational.ts'
import { SEGMENT_CONTAINERS, type SegmentContainer } from './segment/task.ts'

export interface Preflight {
  /** The container whose muxer takes the encoder's output for segments. */
  readonly container: SegmentContainer
  /** Options that give the joined stream the colour tags which that container cannot hold. */
  readonly colorArguments: readonly string[]
}

interface Options {
  signal?: AbortSignal
  scratchDir: string
}

/** @throws MediaError PARAMS_REJECTED with ffmpeg's reason. */
export async function preflight(
  tools: { ffmpeg: Tool; ffprobe: Tool },
  source: Source,
  params: EncodeParams,
  encoderTimeBase: Rational,
  options: Options,
): Promise<Preflight> {
  let reason: unknown
  for (const container of SEGMENT_CONTAINERS) {
    try {
      await encodeFirstFrame(container)
      return {
        container,
        // An mp4 says all of it (colr, nclx); mov leaves the range out.
        colorArguments: container === 'mp4' ? [] : await readColors(),
      }
    } catch (error) {
      if (!(error instanceof MediaError)) throw error
      reason ??= error
    }
  }
  const failure = reason instanceof MediaError ? reason.failure : undefined
  throw new MediaError(
    {
      code: 'PARAMS_REJECTED',
      detail: failure?.code === 'TOOL_EXIT' && failure.detail !== '' ? failure.detail : String(reason),
    },
    { cause: reason },
  )

  async function encodeFirstFrame(muxer: string): Promise<string> {
    const path = join(options.scratchDir, `preflight.${muxer}`)
    await run(
      tools.ffmpeg,
      [
        ...['-v', 'error', '-nostdin', '-y', '-f', source.format, '-i', fileUrl(source.path)],
        ...['-map', `0:${source.video.index}`, '-frames:v', '1', ...params.video],
        ...['-fps_mode:v', 'passthrough', '-enc_time_base:v', formatRational(encoderTimeBase)],
        ...['-f', muxer, fileUrl(path)],
      ],
      options.signal === undefined ? {} : { signal: options.signal },
    )
    return path
  }

  /** The colour tags of a single run, read from a container that holds them for every codec. */
  async function readColors(): Promise<string[]> {
    const path = await encodeFirstFrame('matroska')
    const colors: string[] = []
    await run(
      tools.ffprobe,
      [
        ...['-v', 'error', '-show_entries', `stream=${[...COLOR_OPTIONS.keys()].join(',')}`],
        ...['-of', 'default=noprint_wrappers=1', fileUrl(path)],
      ],
      {
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        onLine(line) {
          const [name = '', value = 'unknown'] = line.split('=')
          const option = COLOR_OPTIONS.get(name)
          if (option !== undefined && value !== 'unknown') colors.push(option, value)
        },
      },
    )
    return colors
  }
}

/** ffprobe's names of the colour tags, and ffmpeg's options for them. */
const COLOR_OPTIONS: ReadonlyMap<string, string> = new Map([
  ['color_range', '-color_range'],
  ['color_space', '-colorspace'],
  ['color_transfer', '-color_trc'],
  ['color_primaries', '-color_primaries'],
])
