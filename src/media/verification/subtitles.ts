/** Whether subtitles stand in a file as a single run puts them there, copied or converted: each at its time, with its content. */
import { MediaError } from '../failure.ts'
import { fileAccess, run, type Tool } from '../ffmpeg/index.ts'
import { alsoInUse, packetReader } from '../frame-times.ts'
import { type EncodeParams, trimArguments } from '../params/index.ts'
import { fileUrl, type Source, type SourceStream } from '../probe.ts'
import { toSeconds } from '../rational.ts'
import { codecArguments, type StreamPlan } from '../stream-plan.ts'
import type { CopiesCompared } from './copies.ts'
import type { Finding } from './finding.ts'

/** @param output.shiftSeconds by which its container has moved all streams */
export async function compareSubtitles(
  ffmpeg: Tool,
  output: { file: Source; shiftSeconds: number },
  { source, plan, params }: { source: Source; plan: StreamPlan; params: EncodeParams },
  options: { signal?: AbortSignal } = {},
): Promise<CopiesCompared> {
  const planned = plan.streams.filter(({ source: { kind } }) => kind === 'subtitle')
  const written = output.file.streams.filter(({ kind }) => kind === 'subtitle')
  if (planned.length === 0 || planned.length !== written.length) return NOTHING
  const lists = await Promise.all([
    readSubtitles(
      ffmpeg,
      source,
      planned.map((stream) => stream.source),
      [],
      [
        ...codecArguments(planned, { ...params, audio: [] }),
        ...trimArguments(params.trim),
        ...['-f', 'framecrc', 'pipe:1', ...alsoInUse(plan.streams.map((stream) => stream.source))],
      ],
      options,
    ),
    readSubtitles(
      ffmpeg,
      output.file,
      written,
      ['-copyts'],
      ['-c', 'copy', '-f', 'framecrc', 'pipe:1'],
      options,
    ),
  ])
  const [expected, actual] = lists
  // What ffmpeg cannot make alone, it made with the rest.
  if (expected === undefined || actual === undefined) return NOTHING
  const findings = written.flatMap(({ index }, place): Finding[] => {
    const difference = firstDifference(actual[place] ?? [], expected[place] ?? [], output.shiftSeconds)
    return difference === undefined
      ? []
      : [{ code: 'OUTPUT_STREAMS', detail: `subtitle stream ${index} ${difference}` }]
  })
  return { compared: written.length, findings }
}

const NOTHING: CopiesCompared = { compared: 0, findings: [] }

interface Subtitle {
  readonly seconds: number
  readonly checksum: string
}

// Matroska's milliseconds on both sides, and half of one more in between.
const TOLERANCE = 0.0025

function firstDifference(
  actual: readonly Subtitle[],
  expected: readonly Subtitle[],
  shiftSeconds: number,
): string | undefined {
  for (const [place, wanted] of expected.entries()) {
    const found = actual[place]
    if (found === undefined) break
    if (found.checksum !== wanted.checksum) {
      return `says something else than it should at ${wanted.seconds.toFixed(3)} s`
    }
    const seconds = found.seconds - shiftSeconds
    if (Math.abs(seconds - wanted.seconds) > TOLERANCE) {
      return `says at ${seconds.toFixed(3)} s what it should say at ${wanted.seconds.toFixed(3)} s`
    }
  }
  return actual.length === expected.length
    ? undefined
    : `holds ${actual.length} subtitles instead of ${expected.length}`
}

/** @returns for each stream; undefined where ffmpeg fails */
async function readSubtitles(
  ffmpeg: Tool,
  file: Source,
  streams: readonly SourceStream[],
  inputOptions: readonly string[],
  outputOptions: readonly string[],
  options: { signal?: AbortSignal },
): Promise<Subtitle[][] | undefined> {
  const lists: Subtitle[][] = streams.map(() => [])
  try {
    await run(
      ffmpeg,
      [
        ...['-v', 'error', '-nostdin', ...inputOptions, '-f', file.format, '-i', fileUrl(file.path)],
        ...streams.flatMap(({ index }) => ['-map', `0:${index}`]),
        ...outputOptions,
      ],
      {
        ...options,
        access: fileAccess([file]),
        onLine: packetReader(({ stream, pts, sizeBytes, checksum }, timeBase) => {
          if (sizeBytes > EMPTY_BYTES) lists[stream]?.push({ seconds: toSeconds(pts, timeBase), checksum })
        }),
      },
    )
  } catch (error) {
    if (error instanceof MediaError) return undefined
    throw error
  }
  return lists
}

/** In mp4 the time between two texts is a text without letters. */
const EMPTY_BYTES = 2
