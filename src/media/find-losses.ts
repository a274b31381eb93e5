/** Finds out before any work is shared out what of the source's pictures the output would lack. */
import { MediaError } from './failure.ts'
import type { Tool } from './ffmpeg/index.ts'
import { describeLosses, mayLose } from './lost-traits.ts'
import type { Opening } from './opening.ts'
import type { OutputFormat } from './output-format.ts'
import { type PictureTraits, readPictureTraits } from './picture-traits.ts'
import { encodeFirstFrames } from './preflight.ts'

export interface LossQuestion {
  readonly opening: Opening
  /** Of the source's video; undefined where they could not be read. */
  readonly traits: PictureTraits | undefined
  readonly format: OutputFormat
}

/** @returns one sentence for each loss, with the remedy where there is one */
export async function findLosses(
  tools: { ffmpeg: Tool; ffprobe: Tool },
  { opening, traits, format }: LossQuestion,
  options: { signal?: AbortSignal; scratchDir: string },
): Promise<string[]> {
  if (traits === undefined || !mayLose(traits)) return []
  try {
    const path = await encodeFirstFrames(tools.ffmpeg, opening, format.muxer, {
      ...options,
      name: 'losses',
      frames: traits.telling,
    })
    const video = { path, format: format.demuxer, stream: 0 }
    const encoded = await readPictureTraits(tools.ffprobe, video, options)
    if (encoded === undefined) return []
    const { encoder, video: params } = opening.params
    return describeLosses({ source: traits, encoded, encoder, params })
  } catch (error) {
    // Whether the params work is for others to find out; a warning less is no reason to end a job.
    if (error instanceof MediaError) return []
    throw error
  }
}
