/** Whether an encoder really encodes on this machine: that a build has it says nothing of the card and its driver. */
import { MediaError } from './failure.ts'
import { run, type Tool } from './ffmpeg/index.ts'

const TIMEOUT_MS = 10_000

/** @returns undefined where it does; otherwise why not, in ffmpeg's words */
export async function whyNotEncoding(
  ffmpeg: Tool,
  encoder: string,
  { signal }: { signal: AbortSignal },
): Promise<string | undefined> {
  const late = AbortSignal.timeout(TIMEOUT_MS)
  try {
    await run(
      ffmpeg,
      [
        ...['-v', 'error', '-nostdin', '-f', 'lavfi', '-i', 'color=size=640x360:rate=25:duration=0.2'],
        ...['-pix_fmt', 'yuv420p', '-c:v', encoder, '-f', 'null', '-'],
      ],
      { access: { reads: [] }, signal: AbortSignal.any([signal, late]) },
    )
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    if (late.aborted) return `nothing comes of it in ${TIMEOUT_MS / 1000} s`
    if (error instanceof MediaError) return error.words
    throw error
  }
}
