/** What a finished file really holds, read from its packets: frame times, parameter sets, streams. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { AscendingTimes } from './ascending-times.ts'
import { run, type Tool } from './ffmpeg/index.ts'
import { digestParameterSets } from './segment/parameter-sets.ts'

interface Options {
  signal?: AbortSignal
}

/**
 * The presentation times of the first video stream's packets, ascending, in ticks of the stream's time base.
 *
 * @param format the demuxer to use
 */
export async function readVideoTimes(
  ffprobe: Tool,
  path: string,
  format: string,
  options: Options & { onStream?(stream: Omit<InspectedSegment, 'times'>): void } = {},
): Promise<BigInt64Array> {
  const { onStream, ...runOptions } = options
  const times = new AscendingTimes()
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
      ...runOptions,
      onLine(line) {
        const stream = /^(\d+),(\d+),(\w+)(?:,(SHA256:\w+))?(?:,(Lav\w.*))?$/.exec(line.trim())
        if (stream !== null) {
          const [, width, height, format, parameterSets = '', encoder] = stream
          onStream?.({ picture: `${width}x${height} ${format}`, parameterSets, encoder })
          return
        }
        const pts = /^-?\d+/.exec(line)?.[0]
        if (pts !== undefined) times.insert(BigInt(pts))
      },
    },
  )
  return times.toArray()
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
  /** As {@link readVideoTimes} gives them. */
  readonly times: BigInt64Array
  /** Size and pixel format, such as `1920x1080 yuv420p`. */
  readonly picture: string
  /** Digest of the parameter sets: segments that differ in it play in one file only if each has its own in-band. */
  readonly parameterSets: string
  /** What FFmpeg wrote of the encoder and its own build, such as `Lavc59.37.100 libx264`. */
  readonly encoder: string | undefined
}

/** What counts of a segment, read in one go: a process for each would cost as much as encoding a second of film. */
export async function inspectSegment(
  ffprobe: Tool,
  path: string,
  format: string,
  options: Options = {},
): Promise<InspectedSegment> {
  let stream: Omit<InspectedSegment, 'times'> = { picture: '', parameterSets: '', encoder: undefined }
  const times = await readVideoTimes(ffprobe, path, format, {
    ...options,
    onStream(read) {
      stream = read
    },
  })
  const parameterSets = await digestParameterSets(path, stream.parameterSets)
  return { times, ...stream, parameterSets }
}
