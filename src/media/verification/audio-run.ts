/** What a single run's audio would be, asked of the ffmpeg that makes it: where its tracks start, and where filters end them. */
import { MediaError } from '../failure.ts'
import { fileAccess, type RunOptions, run, type Tool } from '../ffmpeg/index.ts'
import { alsoInUse, packetReader } from '../frame-times.ts'
import { trimArguments } from '../params/index.ts'
import { fileUrl } from '../probe.ts'
import { toSeconds } from '../rational.ts'
import { codecArguments, type PlannedStream } from '../stream-plan.ts'
import type { AudioQuestion } from './audio.ts'

interface Options {
  signal?: AbortSignal
}

/** The first packet's time of each audio track in seconds, by its place among the audio tracks. */
export async function firstPackets(
  ffmpeg: Tool,
  question: AudioQuestion,
  planned: readonly PlannedStream[],
  options: Options,
): Promise<Map<number, number>> {
  const starts = new Map<number, number>()
  // A limit on frames would end all tracks with the first that reaches it.
  const enough = new AbortController()
  const codecs = [
    ...codecArguments(planned, { ...question.params, subtitle: [] }),
    ...(await defaultEncoders(ffmpeg, question, planned, options)),
  ]
  await readPackets(
    ffmpeg,
    question,
    planned,
    codecs,
    (place, start) => {
      if (!starts.has(place)) starts.set(place, start)
      if (starts.size === planned.length) enough.abort()
    },
    { ...options, enough: enough.signal },
  )
  return starts
}

/** Where filtered tracks end, in seconds by place; empty where there are no filters. Nothing is encoded for it. */
export async function filteredEnds(
  ffmpeg: Tool,
  question: AudioQuestion,
  planned: readonly PlannedStream[],
  options: Options,
): Promise<Map<number, number>> {
  const ends = new Map<number, number>()
  const { audio } = question.params
  const filters = audio.flatMap((word, at) =>
    /^-(af|filter:a)(:|$)/.test(word) ? [word, audio[at + 1] ?? ''] : [],
  )
  if (filters.length === 0 || planned.every(({ action }) => action === 'copy')) return ends
  const codecs = planned.flatMap(({ action }, place) => [
    `-c:${place}`,
    action === 'copy' ? 'copy' : 'pcm_s16le',
  ])
  await readPackets(
    ffmpeg,
    question,
    planned,
    [...filters, ...codecs],
    (place, _, end) => ends.set(place, Math.max(end, ends.get(place) ?? end)),
    options,
  )
  return ends
}

async function readPackets(
  ffmpeg: Tool,
  { source, plan, params }: AudioQuestion,
  planned: readonly PlannedStream[],
  codecs: readonly string[],
  onPacket: (place: number, startSeconds: number, endSeconds: number) => void,
  { signal, enough }: Options & { enough?: AbortSignal },
): Promise<void> {
  const others = plan.streams.map((stream) => stream.source).filter(({ kind }) => kind !== 'audio')
  await runUnlessRefused(
    ffmpeg,
    [
      ...['-v', 'error', '-nostdin', '-f', source.format, '-i', fileUrl(source.path)],
      ...planned.flatMap(({ source: { index } }) => ['-map', `0:${index}`]),
      ...[...codecs, ...trimArguments(params.trim), '-f', 'framecrc', 'pipe:1', ...alsoInUse(others)],
    ],
    {
      signal: AbortSignal.any([enough, signal].filter((given) => given !== undefined)),
      access: fileAccess([source]),
      onLine: packetReader(({ stream, pts, duration }, timeBase) =>
        onPacket(stream, toSeconds(pts, timeBase), toSeconds(pts + duration, timeBase)),
      ),
    },
    signal,
  )
}

/**
 * The encoder that each track gets from the output's own muxer, named for another: every muxer has its default, and every
 * encoder its delay.
 */
async function defaultEncoders(
  ffmpeg: Tool,
  { source, params, format }: AudioQuestion,
  planned: readonly PlannedStream[],
  { signal }: Options,
): Promise<string[]> {
  if (planned.every(({ action }) => action === 'copy')) return []
  const encoders: string[] = []
  await runUnlessRefused(
    ffmpeg,
    [
      ...['-v', 'info', '-hide_banner', '-nostats', '-nostdin'],
      ...['-f', source.format, '-i', fileUrl(source.path)],
      ...planned.flatMap(({ source: { index } }) => ['-map', `0:${index}`]),
      ...codecArguments(planned, { ...params, subtitle: [] }),
      // Into a pipe these write nothing else.
      ...(format.demuxer === 'mov' ? ['-movflags', '+empty_moov+delay_moov'] : []),
      ...['-t', '0', '-f', format.muxer, 'pipe:1'],
    ],
    {
      signal,
      access: fileAccess([source]),
      onErrorLine(line) {
        const [, place, codec, encoder] = STREAM_MAPPING.exec(line.trimEnd()) ?? []
        if (place === undefined || codec === undefined || encoder === undefined) return
        encoders.push(`-c:${place}`, encoder === 'native' ? codec : encoder)
      },
    },
    signal,
  )
  return encoders
}

/** `Stream #0:1 -> #0:0 (aac (native) -> opus (libopus))`: `native` is an encoder that has its codec's name. */
const STREAM_MAPPING = /^ *Stream #0:\d+ -> #0:(\d+) \(.* -> (\S+) \((\S+)\)\)$/

/** A track that cannot be encoded ends the join itself, in ffmpeg's own words. */
async function runUnlessRefused(
  ffmpeg: Tool,
  args: readonly string[],
  options: RunOptions,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await run(ffmpeg, args, options)
  } catch (error) {
    signal?.throwIfAborted()
    if (options.signal?.aborted !== true && !(error instanceof MediaError)) throw error
  }
}
