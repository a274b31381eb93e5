/** Decodes a stretch of the source without encoding it, to compare what two places to start from make of it. */
import { createHash } from 'node:crypto'
import { run, type Tool } from '../ffmpeg/index.ts'
import { parseFrameLine } from '../frame-times.ts'
import { formatRational } from '../rational.ts'
import { accessTo, inputArguments, type SegmentFiles, trimSource } from './arguments.ts'
import { Complaints } from './complaints.ts'
import type { SegmentInput, SegmentRange } from './task.ts'

export interface DecodedPictures {
  readonly frames: number
  /** sha256 over the time and the hash of each frame. */
  readonly digest: string
  /** What ffmpeg said about the source. */
  readonly complaints: number
}

/** @throws MediaError TOOL_EXIT */
export async function decodePictures(
  ffmpeg: Tool,
  input: SegmentInput,
  files: Pick<SegmentFiles, 'inputUrl' | 'inputFd' | 'inputOptions'>,
  { range, seekPts }: { range: SegmentRange; seekPts: bigint | undefined },
  options: { signal?: AbortSignal; background?: boolean } = {},
): Promise<DecodedPictures> {
  const complaints = new Complaints()
  const digest = createHash('sha256')
  let frames = 0
  const trim = trimSource(input, range)
  await run(
    ffmpeg,
    [
      ...['-v', 'error', '-nostdin', ...inputArguments(input, seekPts, files)],
      ...['-map', `0:${input.stream}`, ...(trim === '' ? [] : ['-filter:v', trim])],
      ...['-c:v', 'rawvideo', '-fps_mode:v', 'passthrough'],
      ...['-enc_time_base:v', formatRational(input.timeBase)],
      ...['-f', 'framehash', '-hash', 'murmur3', 'pipe:1'],
    ],
    {
      ...options,
      access: accessTo(files),
      onErrorLine: (line) => complaints.read(line),
      onLine(line) {
        // Not its duration: containers differ in what they know of that behind a seek.
        const frame = parseFrameLine(line)
        if (frame === undefined) return
        frames++
        digest.update(`${frame.pts},${frame.sizeBytes},${frame.checksum}\n`)
      },
    },
  )
  return { frames, digest: digest.digest('hex'), complaints: complaints.count }
}
