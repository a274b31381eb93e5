/** What is shown where a stretch of a live film could not be made in time: one still picture, encoded as the film is. */
import { run, type Tool } from '../ffmpeg/index.ts'

export interface SlateInput {
  /** `1280x720 yuv420p`, as the film's segments have it. */
  readonly picture: string
  /** Options of the encoder. */
  readonly video: readonly string[]
  readonly frames: number
  readonly seconds: number
  /** Ticks a second of the video track. */
  readonly timeScale: number
  readonly outputPath: string
}

/** @throws MediaError TOOL_EXIT; the signal's reason */
export async function makeSlate(
  ffmpeg: Tool,
  { picture, video, frames, seconds, timeScale, outputPath }: SlateInput,
  options: { signal: AbortSignal },
): Promise<void> {
  const [size = '', pixelFormat = 'yuv420p'] = picture.split(' ')
  // Frames as many and as long as the film's, in ticks of its track.
  const rate = `${frames * 1_000_000}/${Math.max(1, Math.round(seconds * 1_000_000))}`
  await run(
    ffmpeg,
    [
      ...['-v', 'error', '-nostdin', '-y', '-f', 'lavfi', '-i', `color=c=black:size=${size}:rate=${rate}`],
      ...[
        '-frames:v',
        `${frames}`,
        ...video,
        '-pix_fmt',
        pixelFormat,
        '-video_track_timescale',
        `${timeScale}`,
      ],
      ...['-f', 'mp4', `file:${outputPath}`],
    ],
    { ...options, access: { reads: [], writes: [outputPath] } },
  )
}
