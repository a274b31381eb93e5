/** Which of a film's streams have nothing in the part of it that is kept: some muxers write no track for those. */
import { MediaError } from '../failure.ts'
import { fileAccess, run, type Tool } from '../ffmpeg/index.ts'
import { parseFrameLine } from '../frame-times.ts'
import { type EncodeParams, trimArguments } from '../params/index.ts'
import { fileUrl, type Source } from '../probe.ts'
import type { StreamPlan } from '../stream-plan.ts'

/** @returns their indices in the source; none where the film is kept whole */
export async function readEmptyStreams(
  ffmpeg: Tool,
  { source, plan, params }: { source: Source; plan: StreamPlan; params: EncodeParams },
  options: { signal?: AbortSignal } = {},
): Promise<ReadonlySet<number>> {
  const asked = plan.streams
    .filter(({ action, source: { kind } }) => action !== 'segments' && kind !== 'attachment')
    .map((stream) => stream.source)
  const part = trimArguments(params.trim)
  if (part.length === 0 || asked.length === 0) return new Set()
  const empty = new Set(asked.map(({ index }) => index))
  try {
    await run(
      ffmpeg,
      [
        ...['-v', 'error', '-nostdin', '-f', source.format, '-i', fileUrl(source.path)],
        ...asked.flatMap(({ index }) => ['-map', `0:${index}`]),
        ...['-c', 'copy', ...part, '-f', 'framecrc', 'pipe:1'],
      ],
      {
        ...options,
        access: fileAccess([source]),
        onLine(line) {
          const place = parseFrameLine(line)?.stream
          const stream = place === undefined ? undefined : asked[place]
          if (stream !== undefined) empty.delete(stream.index)
        },
      },
    )
  } catch (error) {
    // Nothing was found out, so nothing is excused.
    if (error instanceof MediaError) return new Set()
    throw error
  }
  return empty
}
