/** What FFmpeg makes of the sound, behind the user's filters, for an encoder that does not take it as it is. */
import { join } from 'node:path'
import { fileAccess, run, type Tool } from './ffmpeg/index.ts'
import type { OutputFormat } from './output-format.ts'
import type { EncodeParams } from './params/index.ts'
import { fileUrl, type Source } from './probe.ts'
import { codecArguments, type PlannedStream, strictness } from './stream-plan.ts'

export interface EncoderInput {
  /** Names of FFmpeg, such as `fltp` and `5.1(side)`. */
  readonly sampleFormat: string
  readonly channelLayout: string
  /** In Hz. */
  readonly sampleRate: number
}

/** What is encoded, and where to: the container decides which encoder is its default. */
export interface SoundPlan {
  readonly source: Source
  readonly params: EncodeParams
  readonly streams: readonly PlannedStream[]
  readonly format: OutputFormat
}

/**
 * Encodes the beginning, and reads in FFmpeg's log what it puts between the filters and the encoder.
 *
 * @returns for each audio track among the streams, in their order; undefined where nothing is changed
 */
export async function readEncoderInputs(
  ffmpeg: Tool,
  { source, params, streams, format }: SoundPlan,
  scratchDir: string,
  options: { signal?: AbortSignal | undefined },
): Promise<(EncoderInput | undefined)[]> {
  const path = join(scratchDir, 'sound')
  const tracks = streams.filter(({ source: { kind } }) => kind === 'audio')
  const resamplers = new Map<string, number>()
  const inputs: (EncoderInput | undefined)[] = tracks.map(() => undefined)
  await run(
    ffmpeg,
    [
      ...['-v', 'verbose', '-nostdin', '-y', '-t', '60', '-f', source.format, '-i', fileUrl(source.path)],
      ...tracks.flatMap(({ source: { index } }) => ['-map', `0:${index}`]),
      ...[...codecArguments(tracks, params), ...strictness(params), '-frames:a', '1'],
      ...['-f', format.muxer, fileUrl(path)],
    ],
    {
      ...options,
      access: fileAccess([source], [path]),
      onErrorLine(line) {
        const [, name = '', track] =
          /auto-inserting filter '(\w+)' between the filter '.*' and the filter 'format_out_0_(\d+)'$/.exec(
            line,
          ) ?? []
        if (track !== undefined) resamplers.set(name, Number(track))
        const place = resamplers.get(/^\[(\w+) @ /.exec(line)?.[1] ?? '')
        if (place !== undefined) inputs[place] = parseConversion(line) ?? inputs[place]
      },
    },
  )
  return inputs
}

/** The target in `ch:1 chl:mono fmt:fltp r:44100Hz -> ch:2 chl:stereo fmt:s16 r:48000Hz`. */
function parseConversion(line: string): EncoderInput | undefined {
  const [, channels, layout, sampleFormat, rate] =
    /-> ch:(\d+) chl:(.*) fmt:(\w+) r:(\d+)Hz$/.exec(line) ?? []
  if (layout === undefined || sampleFormat === undefined) return undefined
  // Without a layout the log says their number again.
  const channelLayout = /^[\w.()+-]+$/.test(layout) ? layout : `${channels}c`
  return { sampleFormat, channelLayout, sampleRate: Number(rate) }
}
