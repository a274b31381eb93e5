/**
 * How long the end of a job takes, when all segments are there: joining, and looking at what came of it. Pure; a rough guess, so that the
 * time left is right for short films too.
 */
import type { Job } from './job.ts'
import type { VerifyLevel } from './report.ts'

/*
 * Measured on two cores (FFmpeg 5.1) on films of 10 s to 12 min: reading tools' output and starting them 1.0 s; AAC and Opus of two channels
 * 60 to 110 times as fast as they sound; decoding an output of H.264 at 720p 300 frames a second, and comparing pictures as long again.
 */
const START_SECONDS = 1
const FRAMES_PER_SECOND = 8_000
const SOUND_SPEED = 80
const DECODED_PIXELS_PER_SECOND = 2.5e8

export function endingSeconds(
  { film, params, picture, source }: Pick<Job, 'film' | 'params' | 'picture' | 'source'>,
  level: VerifyLevel,
): number {
  const frames = film.pts.length
  const sounds = isEncoded(params.audio) ? source.streams.filter(({ kind }) => kind === 'audio').length : 0
  const [, width = 0, height = 0] = (/^(\d+)x(\d+)/.exec(picture) ?? []).map(Number)
  const looking = level === 'full' ? (2 * frames * width * height) / DECODED_PIXELS_PER_SECOND : 0
  const sound = (sounds * (source.durationSeconds ?? 0)) / SOUND_SPEED
  return START_SECONDS + frames / FRAMES_PER_SECOND + sound + looking
}

function isEncoded(audio: readonly string[]): boolean {
  return audio.some((word, at) => /^-(c|codec):a/.test(audio[at - 1] ?? '') && word !== 'copy')
}
