/** What a job's output must be: the one place where its frames' times are derived from the source's. */
import {
  type ExpectedAudio,
  type ExpectedOutput,
  expectAudio,
  type LocatedTools,
  outputTimeBase,
  type Rational,
  toOutputTimes,
  trackStarts,
} from '../../media/index.ts'
import type { Job } from './job.ts'

/** Takes one reading of the source, so it is asked for while segments are encoded. */
export async function expectedAudio(
  tools: LocatedTools,
  job: Job,
  options: { signal: AbortSignal; paramsKnown: boolean },
): Promise<ExpectedAudio[]> {
  const plan = await job.streams
  const { source, params, format, zeroMicroseconds } = job
  const { paramsKnown } = options
  return await expectAudio(tools, { source, plan, params, format, paramsKnown, zeroMicroseconds }, options)
}

/** @param timeBase of the video in the file; by default the one that a single run gives it */
export async function expectedOutput(
  job: Job,
  audio: readonly ExpectedAudio[],
  timeBase: Rational = outputTimeBase(job.format, job.film.timing.encoder),
): Promise<ExpectedOutput> {
  return {
    format: job.format,
    plan: await job.streams,
    timeBase,
    times: toOutputTimes(job.film.pts, job.film.timing, timeBase),
    starts: trackStarts(job.format, job.params),
    audio,
  }
}
