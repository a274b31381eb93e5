/** Whether sound that was copied holds, byte for byte, what the source's does. */
import { mayHaveAdtsHeaders, WITHOUT_ADTS_HEADERS } from '../adts.ts'
import { MediaError } from '../failure.ts'
import { fileAccess, run, type Tool } from '../ffmpeg/index.ts'
import { alsoInUse } from '../frame-times.ts'
import { type EncodeParams, trimArguments } from '../params/index.ts'
import { fileUrl, type Source, type SourceStream } from '../probe.ts'
import type { StreamPlan } from '../stream-plan.ts'
import type { Finding } from './finding.ts'

export interface CopiesCompared {
  /** How many streams were compared. */
  readonly compared: number
  readonly findings: readonly Finding[]
}

/** Sound; a track that has become another codec is not looked at. */
export async function compareCopies(
  ffmpeg: Tool,
  output: Source,
  { source, plan, params }: { source: Source; plan: StreamPlan; params: EncodeParams },
  options: { signal?: AbortSignal } = {},
): Promise<CopiesCompared> {
  const pairs = plan.streams.flatMap((planned) => {
    if (planned.action !== 'copy' || planned.source.kind !== 'audio') return []
    const place = plan.streams.filter((stream) => stream.source.kind === 'audio').indexOf(planned)
    const copy = output.streams.filter((stream) => stream.kind === 'audio')[place]
    return copy?.codec === planned.source.codec ? [{ original: planned.source, copy }] : []
  })
  if (pairs.length === 0) return { compared: 0, findings: [] }
  const [originals, copies] = await Promise.all([
    hashes(
      ffmpeg,
      source,
      pairs.map(({ original }) => original),
      { part: trimArguments(params.trim), others: plan.streams.map((stream) => stream.source) },
      options,
    ),
    hashes(
      ffmpeg,
      output,
      pairs.map(({ copy }) => copy),
      { part: [], others: [] },
      options,
    ),
  ])
  // A source that cannot be read so has been copied all the same, and its copy decodes or does not.
  if (originals.length !== pairs.length) return { compared: 0, findings: [] }
  const findings = pairs.flatMap(({ original: { kind, index, codec }, copy }, at): Finding[] => {
    if (originals[at] === copies[at]) return []
    const detail = `${kind} stream ${copy.index} holds something else than ${kind} stream ${index} of the source (${codec}), of which it should be a copy`
    return [{ code: 'OUTPUT_STREAMS', detail }]
  })
  return { compared: pairs.length, findings }
}

/** Of all packets of each stream, one behind the other: containers cut PCM differently. Nothing where ffmpeg fails. */
async function hashes(
  ffmpeg: Tool,
  file: Source,
  streams: readonly SourceStream[],
  { part, others }: { part: readonly string[]; others: readonly SourceStream[] },
  options: { signal?: AbortSignal },
): Promise<string[]> {
  const found: string[] = []
  try {
    await run(
      ffmpeg,
      [
        ...['-v', 'error', '-nostdin', '-f', file.format, '-i', fileUrl(file.path)],
        ...streams.flatMap(({ index }) => ['-map', `0:${index}`]),
        ...['-c', 'copy', ...streams.flatMap(headerless), ...part],
        ...['-f', 'streamhash', '-hash', 'murmur3', 'pipe:1', ...alsoInUse(others)],
      ],
      { ...options, access: fileAccess([file]), onLine: (line) => void found.push(line.replace(/^.*=/, '')) },
    )
  } catch (error) {
    if (error instanceof MediaError) return []
    throw error
  }
  return found
}

function headerless(stream: SourceStream, place: number): string[] {
  return mayHaveAdtsHeaders(stream) ? [`-bsf:${place}`, WITHOUT_ADTS_HEADERS] : []
}
