/** Encodes a synthetic picture for a while: how fast this machine is with given video options, without any source. */
import { run, type Tool } from './ffmpeg/index.ts'
import { formatRational, type Rational } from './rational.ts'

export interface TestPattern {
  readonly width: number
  readonly height: number
  readonly frameRate: Rational
  /** Wall seconds to encode for. */
  readonly seconds: number
  /** The video options, encoder included. */
  readonly video: readonly string[]
}

/**
 * @param now a monotonic clock in milliseconds
 * @returns the frames encoded, and the wall seconds from the encoder's start to the last of them
 * @throws MediaError TOOL_EXIT in ffmpeg's own words; the signal's reason
 */
export async function encodeTestPattern(
  ffmpeg: Tool,
  pattern: TestPattern,
  options: { signal: AbortSignal; now(): number },
): Promise<{ frames: number; seconds: number }> {
  const { width, height, frameRate, seconds, video } = pattern
  const enough = new AbortController()
  const began = options.now()
  let result = { frames: 0, seconds: 0 }
  const source = `testsrc2=size=${width}x${height}:rate=${formatRational(frameRate)},noise=alls=8:allf=t`
  try {
    await run(
      ffmpeg,
      [
        ...['-v', 'error', '-nostdin', '-nostats', '-progress', 'pipe:1', '-stats_period', '0.2'],
        ...['-f', 'lavfi', '-i', source, '-t', `${seconds * FASTEST}`, ...video, '-f', 'null', '-'],
      ],
      {
        background: true,
        access: { reads: [] },
        signal: AbortSignal.any([options.signal, enough.signal]),
        onLine(line) {
          const frames = Number(/^frame=(\d+)$/.exec(line)?.[1] ?? Number.NaN)
          if (Number.isNaN(frames)) return
          result = { frames, seconds: (options.now() - began) / 1000 }
          if (result.seconds >= seconds) enough.abort()
        },
      },
    )
  } catch (error) {
    if (options.signal.aborted || !enough.signal.aborted) throw error
  }
  return result
}

// A machine that is faster than so many times real time has shown enough before its time is up.
const FASTEST = 100
