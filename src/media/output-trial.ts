/** Asks the output's container before any work is shared out: does it hold what the params' encoders make? */
import { join } from 'node:path'
import { MediaError, mediaErrorOf } from './failure.ts'
import { fileAccess, run, type Tool } from './ffmpeg/index.ts'
import { type Opening, openingArguments, openingOutput } from './opening.ts'
import { type OutputFormat, unknownTo } from './output-format.ts'
import type { EncodeParams } from './params/index.ts'
import { firstFramePath } from './preflight.ts'
import { fileUrl } from './probe.ts'
import { SEGMENT_CONTAINERS } from './segment/task.ts'

interface Options {
  signal?: AbortSignal
  scratchDir: string
}

const TRIAL = 'trial-output'

/**
 * The film's first frame in the segments' container and in the output's, by one run of ffmpeg: what mostly goes well is soon known.
 *
 * @returns whether both took it; where not, each is to be asked for its reasons
 */
export async function encodeForBoth(
  ffmpeg: Tool,
  { ofSegment, ofOutput }: { ofSegment: Opening; ofOutput: Opening },
  format: OutputFormat,
  options: Options,
): Promise<boolean> {
  const [container] = SEGMENT_CONTAINERS
  const [segment, output] = [firstFramePath(container, options), join(options.scratchDir, TRIAL)]
  const args = [
    ...[...openingArguments(ofSegment, 1), '-f', container, fileUrl(segment)],
    ...[...openingOutput(ofOutput, 1), ...ofOutput.params.output, '-f', format.muxer, fileUrl(output)],
  ]
  const access = fileAccess([ofSegment.source], [segment, output])
  return (await mediaErrorOf(run(ffmpeg, args, { signal: options.signal, access }))) === undefined
}

/**
 * Writes the film's first frame, encoded, in the output's container, and reads it back.
 *
 * @param options.isWritten it is there already, as of {@link encodeForBoth}
 * @returns the file, in the scratch directory
 * @throws MediaError OUTPUT_REJECTED; PARAMS_REJECTED where only the container's own options are at fault.
 */
export async function tryOutput(
  tools: { ffmpeg: Tool; ffprobe: Tool },
  opening: Opening,
  format: OutputFormat,
  { isWritten = false, ...options }: Options & { isWritten?: boolean },
): Promise<string> {
  const { params } = opening
  checkOtherEncoders(params, format)
  const { signal } = options
  const path = join(options.scratchDir, TRIAL)
  const write = (own: readonly string[]) =>
    run(tools.ffmpeg, [...openingArguments(opening, 1), ...own, '-f', format.muxer, fileUrl(path)], {
      signal,
      access: fileAccess([opening.source], [path]),
    })
  const rejected = (cause: MediaError) =>
    new MediaError(
      { code: 'OUTPUT_REJECTED', container: format.name, encoder: params.encoder, detail: cause.words },
      { cause },
    )
  const cause = isWritten ? undefined : await mediaErrorOf(write(params.output))
  if (cause !== undefined) {
    const isTheirs = params.output.length > 0 && (await mediaErrorOf(write([]))) === undefined
    throw isTheirs
      ? new MediaError({ code: 'PARAMS_REJECTED', detail: cause.words }, { cause })
      : rejected(cause)
  }
  const codecs: string[] = []
  const unreadable = await mediaErrorOf(
    run(
      tools.ffprobe,
      [
        ...['-v', 'error', '-f', format.demuxer, '-show_entries', 'stream=codec_name'],
        ...['-of', 'csv=p=0', fileUrl(path)],
      ],
      { signal, access: fileAccess([{ path }]), onLine: (line) => void codecs.push(line) },
    ),
  )
  if (unreadable !== undefined) throw rejected(unreadable)
  const isKnown = codecs.some((line) => format.holds?.has(line.replace(/,.*/, '')) ?? true)
  if (!isKnown) throw unknownTo(format, params.encoder)
  return path
}

function checkOtherEncoders({ audio, subtitle }: EncodeParams, format: OutputFormat): void {
  const named = [...audio, ...subtitle]
  for (const [at, word] of named.entries()) {
    const encoder = named[at + 1]
    if (!/^-(c|codec|acodec|scodec)(:|$)/.test(word) || encoder === undefined) continue
    if (format.holds?.has(encoder) === false) throw unknownTo(format, encoder)
  }
}
