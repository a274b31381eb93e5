/**
 * `-ss` in the join. FFmpeg leaves packets out by their decode times, which for pictures that are shown out of order lie
 * before the first one's own time: so the video comes some seconds later into the join and is moved back behind it.
 */
import { join } from 'node:path'
import { type FilePlace, fileAccess, run, type Tool } from './ffmpeg/index.ts'
import { type EncodeParams, keepsChapters, type Trim, trimArguments } from './params/index.ts'
import { fileUrl, type Source } from './probe.ts'
import { formatMicroseconds } from './rational.ts'
import { type EncoderInput, readEncoderInputs, type SoundPlan } from './sound-formats.ts'
import type { PlannedStream } from './stream-plan.ts'

/** More than pictures are ever out of order (16 frames), and whole in every time base. */
const LATER_SECONDS = 8n

export interface JoinTrim {
  /** How much later the video comes; a bitstream filter takes it off again. */
  readonly laterSeconds: bigint
  /** Before the source's `-i`. */
  readonly sourceOptions: readonly string[]
  /** The source is cut by these options; its sound that is encoded comes from a second look at it, which is not. */
  readonly readsSoundAgain: boolean
  /** One more input, for chapters that end with the part; empty where the source's own will do. */
  readonly chapters: readonly string[]
  /** Its file. */
  readonly reads: readonly FilePlace[]
  readonly outputOptions: readonly string[]
}

export async function planTrim(
  ffmpeg: Tool,
  sound: SoundPlan,
  scratchDir: string,
  options: { signal?: AbortSignal | undefined },
): Promise<JoinTrim> {
  const { source, params, streams } = sound
  const { trim } = params
  const { startMicroseconds: start, durationMicroseconds: duration } = trim
  if (start === undefined) {
    return { ...WHOLE, laterSeconds: 0n, outputOptions: trimArguments(trim) }
  }
  const later = { ...WHOLE, laterSeconds: LATER_SECONDS }
  if (duration === undefined) return { ...later, outputOptions: trimArguments(trim) }
  // The part's end would come too early for the video: the other streams are ended by other means.
  const end = formatMicroseconds(start + duration)
  const longer = { ...trim, durationMicroseconds: duration + LATER_SECONDS * 1_000_000n }
  const encodesSound = streams.some(({ action, source: { kind } }) => action === 'encode' && kind === 'audio')
  const inputs = encodesSound ? await readEncoderInputs(ffmpeg, sound, scratchDir, options) : []
  const hasChapters = source.chapters > 0 && keepsChapters(params)
  return {
    ...later,
    sourceOptions: ['-t', end],
    ...(hasChapters ? await chaptersInput(ffmpeg, source, trim, scratchDir, options) : {}),
    readsSoundAgain: encodesSound,
    outputOptions: [...trimArguments(longer), ...audioFilters(params, streams, inputs, end)],
  }
}

const WHOLE = { sourceOptions: [], readsSoundAgain: false, chapters: [], reads: [] }

/** The chapters as a single run cuts them, on the source's clock again. */
async function chaptersInput(
  ffmpeg: Tool,
  source: Source,
  trim: Trim,
  scratchDir: string,
  options: { signal?: AbortSignal | undefined },
): Promise<Pick<JoinTrim, 'chapters' | 'reads'>> {
  const path = join(scratchDir, 'chapters.ffmeta')
  await run(
    ffmpeg,
    [
      ...['-v', 'error', '-nostdin', '-y', '-f', source.format, '-i', fileUrl(source.path)],
      ...[...trimArguments(trim), '-f', 'ffmetadata', fileUrl(path)],
    ],
    { ...options, access: fileAccess([source], [path]) },
  )
  const offset = formatMicroseconds(trim.startMicroseconds ?? 0n)
  return {
    chapters: ['-itsoffset', offset, '-f', 'ffmetadata', '-i', fileUrl(path)],
    reads: [{ path }],
  }
}

/**
 * FFmpeg's own trim for the tracks that are encoded. It stands behind the user's filters and behind the resampler that
 * FFmpeg adds to them for the encoder.
 */
function audioFilters(
  { audio, trim }: EncodeParams,
  streams: readonly PlannedStream[],
  inputs: readonly (EncoderInput | undefined)[],
  end: string,
): string[] {
  const tracks = streams.filter(({ source }) => source.kind === 'audio')
  const [start, length] = [trim.startMicroseconds ?? 0n, trim.durationMicroseconds ?? 0n].map(
    formatMicroseconds,
  )
  return tracks.flatMap(({ action }, place) => {
    if (action !== 'encode') return []
    const own = audio.findLastIndex((word) =>
      [`-filter:a:${place}`, '-filter:a', '-af', `-af:${place}`].includes(word),
    )
    const chain = [
      ...(own < 0 ? [] : [audio[own + 1]]),
      ...(inputs[place] === undefined ? [] : [resampler(inputs[place])]),
      ...[`atrim=start=${start}:duration=${length}`, `atrim=end=${end}`],
    ]
    return [`-filter:a:${place}`, chain.join(',')]
  })
}

function resampler({ sampleFormat, sampleRate, channelLayout }: EncoderInput): string {
  return `aformat=sample_fmts=${sampleFormat}:sample_rates=${sampleRate}:channel_layouts=${channelLayout}`
}
