/** What an encoded segment really holds, read from its packets: frame times, parameter sets, picture; and the digest of any file. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { AscendingTimes } from './ascending-times.ts'
import { run, type Tool } from './ffmpeg/index.ts'
import { digestParameterSets } from './segment/parameter-sets.ts'

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
  for await (const chunk of createReadStream(path, { signal: options.signal })) {
    hash.update(chunk)
    sizeBytes += chunk.length
  }
  return { sha256: hash.digest('hex'), sizeBytes }
}

export interface InspectedSegment {
  /** The presentation times of the packets, ascending, in ticks of the stream's time base. */
  readonly times: BigInt64Array
  /** Size and pixel format, such as `1920x1080 yuv420p`. */
  readonly picture: string
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
  let picture = ''
  let extradata = ''
  let encoder: string | undefined
  await run(
    ffprobe,
    [
      ...['-v', 'error', '-f', format, '-select_streams', 'V:0', '-show_data_hash', 'sha256'],
      '-show_entries',
      'packet=pts:stream=width,height,pix_fmt,extradata_hash:stream_tags=encoder',
      ...['-of', 'csv=p=0'],
      `file:${path}`,
    ],
    {
      ...options,
      onLine(line) {
        const stream = /^(\d+),(\d+),(\w+)(?:,(SHA256:\w+))?(?:,(Lav\w.*))?$/.exec(line.trim())
        if (stream !== null) {
          const [, width, height, pixelFormat] = stream
          picture = `${width}x${height} ${pixelFormat}`
          extradata = stream[4] ?? ''
          encoder = stream[5]
          return
        }
        const pts = /^-?\d+/.exec(line)?.[0]
        if (pts !== undefined) times.insert(BigInt(pts))
      },
    },
  )
  const parameterSets = await digestParameterSets(path, extradata)
  return { times: times.toArray(), picture, parameterSets, encoder }
}
