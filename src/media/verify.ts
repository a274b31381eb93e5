/** What an encoded segment really holds, read from its packets: frame times, parameter sets, picture; and the digest of any file. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { AscendingTimes } from './ascending-times.ts'
import { fileAccess, run, type Tool } from './ffmpeg/index.ts'
import { digestParameterSets } from './segment/parameter-sets.ts'
import {
  DESCRIPTION_ENTRIES,
  toDescription,
  type VideoDescription,
} from './verification/video-description.ts'

interface Options {
  signal?: AbortSignal
}

export interface FileDigest {
  readonly sha256: string
  readonly sizeBytes: number
}

export async function digestFile(path: string, options: Options = {}): Promise<FileDigest> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  // One buffer for all of it: what a stream hands out has to be cleared away, which costs more than the hash.
  const buffer = Buffer.allocUnsafe(DIGEST_BYTES)
  const file = await open(path)
  try {
    for (;;) {
      options.signal?.throwIfAborted()
      const { bytesRead } = await file.read(buffer, 0, buffer.length, sizeBytes)
      if (bytesRead === 0) break
      hash.update(buffer.subarray(0, bytesRead))
      sizeBytes += bytesRead
    }
  } finally {
    await file.close()
  }
  return { sha256: hash.digest('hex'), sizeBytes }
}

/** Hashed in well under a millisecond. */
const DIGEST_BYTES = 256 * 1024

export interface InspectedSegment {
  /** The presentation times of the packets, ascending, in ticks of the stream's time base. */
  readonly times: BigInt64Array
  /** Those of its keyframes, ascending. */
  readonly keyframes: BigInt64Array
  /** How many streams it has: whatever stands beside the video would find its way into the film. */
  readonly streams: number
  /** Size and pixel format, such as `1920x1080 yuv420p`. */
  readonly picture: string
  /** How the pictures are to be shown. */
  readonly description: VideoDescription
  /** Digest of the parameter sets: segments that differ in it play in one file only if each has its own in-band. */
  readonly parameterSets: string
  /** What FFmpeg wrote of the encoder and its own build, such as `Lavc59.37.100 libx264`. */
  readonly encoder: string | undefined
}

/**
 * What counts of a segment, read in one go: a process for each would cost as much as encoding a second of film.
 *
 * @param format the demuxer to use
 */
export async function inspectSegment(
  ffprobe: Tool,
  path: string,
  format: string,
  options: Options = {},
): Promise<InspectedSegment> {
  const times = new AscendingTimes()
  const keyframes = new AscendingTimes()
  let stream: Record<string, string> = {}
  await run(
    ffprobe,
    [
      ...['-v', 'error', '-f', format, '-select_streams', 'V:0', '-show_data_hash', 'sha256'],
      '-show_entries',
      `packet=pts,flags:stream=${DESCRIPTION_ENTRIES},extradata_hash:stream_tags=encoder:format=nb_streams`,
      ...['-of', 'csv=p=0:nk=0'],
      `file:${path}`,
    ],
    {
      ...options,
      access: fileAccess([{ path }]),
      onLine(line) {
        const pts = /^pts=(-?\d+)/.exec(line)?.[1]
        if (pts !== undefined) {
          times.insert(BigInt(pts))
          if (/\bflags=K/.test(line)) keyframes.insert(BigInt(pts))
        } else if (!line.startsWith('pts=')) stream = { ...stream, ...readFields(line) }
      },
    },
  )
  const parameterSets = await digestParameterSets(path, stream.extradata_hash ?? '')
  const { width, height, pix_fmt: pixelFormat } = stream
  return {
    times: times.toArray(),
    keyframes: keyframes.toArray(),
    streams: Number(stream.nb_streams ?? 0),
    picture: width === undefined ? '' : `${width}x${height} ${pixelFormat}`,
    description: toDescription(stream),
    parameterSets,
    encoder: stream['tag:encoder'],
  }
}

/** `width=160,height=96,…`, as ffprobe writes a stream in one line. */
function readFields(line: string): Record<string, string> {
  return Object.fromEntries(
    line.split(',').flatMap((field) => {
      const [, name, value] = /^([^=]+)=(.*)$/.exec(field) ?? []
      return name === undefined || value === undefined ? [] : [[name, value]]
    }),
  )
}
