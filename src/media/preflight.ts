/** Encodes the source's first frame before any work is shared out: bad params end here, in ffmpeg's own words. */
import { join } from 'node:path'
import { MediaError } from './failure.ts'
import { run, type Tool } from './ffmpeg/index.ts'
import type { EncodeParams } from './params/index.ts'
import { fileUrl, type Source } from './probe.ts'
import { formatRational, type Rational } from './rational.ts'
import { SEGMENT_CONTAINERS, type SegmentContainer } from './segment/task.ts'

/**
 * @returns the container whose muxer takes the encoder's output for segments
 * @throws MediaError PARAMS_REJECTED with ffmpeg's reason.
 */
export async function preflight(
  ffmpeg: Tool,
  source: Source,
  params: EncodeParams,
  encoderTimeBase: Rational,
  options: { signal?: AbortSignal; scratchDir: string },
): Promise<SegmentContainer> {
  let reason: unknown
  for (const container of SEGMENT_CONTAINERS) {
    try {
      await run(
        ffmpeg,
        [
          ...['-v', 'error', '-nostdin', '-y', '-f', source.format, '-i', fileUrl(source.path)],
          ...['-map', `0:${source.video.index}`, '-frames:v', '1', ...params.video],
          ...['-fps_mode:v', 'passthrough', '-enc_time_base:v', formatRational(encoderTimeBase)],
          ...['-f', container, fileUrl(join(options.scratchDir, `preflight.${container}`))],
        ],
        options.signal === undefined ? {} : { signal: options.signal },
      )
      return container
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
}
