/** The one ffmpeg command that makes what a job makes: for whoever wants to see for themselves. */

import type { OutputFormat } from './output-format.ts'
import { type EncodeParams, encoderArguments, syncArguments, trimArguments } from './params/index.ts'
import type { Rational } from './rational.ts'
import { codecArguments, type StreamPlan, strictness } from './stream-plan.ts'

export interface SingleRunJob {
  readonly params: EncodeParams
  readonly plan: StreamPlan
  readonly format: OutputFormat
  readonly encoderTimeBase: Rational
  readonly inputPath: string
  readonly outputPath: string
}

/**
 * The words behind `ffmpeg`: every frame of the source at its own time. The video's bytes are others than those of a job: an encoder
 * that makes all of it looks across the places where segments begin.
 */
export function singleRunArguments(job: SingleRunJob): string[] {
  const { params, plan, format, encoderTimeBase, inputPath, outputPath } = job
  const { text } = params.filters
  const place = plan.streams.findIndex(({ action }) => action === 'segments')
  return [
    ...['-i', inputPath, ...trimArguments(params.trim)],
    ...plan.streams.flatMap(({ source }) => ['-map', `0:${source.index}`]),
    ...codecArguments(
      plan.streams.map((stream) => (stream.action === 'segments' ? { ...stream, action: 'encode' } : stream)),
      params,
    ),
    ...encoderArguments(params).map((word) => (word === '-c:v' ? `-c:${place}` : word)),
    // The film's alone: a cover is a video stream too.
    ...(text === '' ? [] : ['-filter:v:0', text]),
    ...syncArguments(params, encoderTimeBase),
    ...strictness(params),
    ...params.output,
    ...(params.format === undefined ? [] : ['-f', format.muxer]),
    outputPath,
  ]
}
