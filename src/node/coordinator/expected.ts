/** What a job's output must be: the one place where its frames' times are derived from the source's. */
import {
  describeVideo,
  type ExpectedOutput,
  expectAudio,
  keepsLanguages,
  type LocatedTools,
  outputTimeBase,
  type Rational,
  readEmptyStreams,
  toOutputTimes,
  trackStarts,
} from '../../media/index.ts'
import type { Job } from './job.ts'

/** What is expected of the streams beside the video. */
export type ExpectedOthers = Pick<ExpectedOutput, 'audio' | 'empty' | 'video'>

/** Takes readings of the source, so it is asked for while segments are encoded. */
export async function expectedOthers(
  tools: LocatedTools,
  job: Job,
  options: { signal: AbortSignal; paramsKnown: boolean },
): Promise<ExpectedOthers> {
  const plan = await job.streams
  const { source, params, format, zeroMicroseconds } = job
  const { paramsKnown } = options
  const [audio, empty, video] = await Promise.all([
    expectAudio(tools, { source, plan, params, format, paramsKnown, zeroMicroseconds }, options),
    readEmptyStreams(tools.ffmpeg, { source, plan, params }, options),
    paramsKnown ? describeVideo(tools.ffprobe, { ...job.firstOutput, stream: 0 }, options) : undefined,
  ])
  return { audio, empty, video }
}

/** @param timeBase of the video in the file; by default the one that a single run gives it */
export async function expectedOutput(
  job: Job,
  others: ExpectedOthers,
  timeBase: Rational = outputTimeBase(job.format, job.film.timing.encoder),
): Promise<ExpectedOutput> {
  return {
    format: job.format,
    plan: await job.streams,
    timeBase,
    times: toOutputTimes(job.film.pts, job.film.timing, timeBase),
    starts: trackStarts(job.format, job.params),
    keepsLanguages: keepsLanguages(job.params),
    ...others,
  }
}
