/** The streams of a file as their packets tell them, read in one pass without decoding and kept as a few numbers each. */
import { AscendingTimes } from '../ascending-times.ts'
import { type BitRate, BytesBySecond } from '../bit-rate.ts'
import { type FilePlace, fileAccess, run, type Tool } from '../ffmpeg/index.ts'
import type { Rational } from '../rational.ts'

/** Times in ticks of the stream's time base. */
export interface Track {
  readonly packets: number
  readonly firstPts: bigint
  /** The least decode time; where packets have none, of the presentation times. */
  readonly firstDts: bigint
  readonly lastPts: bigint
  /** Where the last packet ends, as far as the container tells durations; otherwise `lastPts`. */
  readonly endPts: bigint
}

export interface Tracks {
  /** By the stream's index; a stream without a single timed packet is not there. */
  readonly tracks: ReadonlyMap<number, Track>
  /** All frame times of the video stream that was asked for, ascending. */
  readonly videoTimes: BigInt64Array
  readonly videoBitRate: BitRate
}

/** As many as a picture of them can show. */
const STRETCHES_MAX = 600

/**
 * @param file its format is the demuxer to use
 * @param select the streams to read: ffprobe's specifier (`a`), or undefined for all
 * @param video the stream whose times are wanted one by one, and its bytes
 */
export async function readTracks(
  ffprobe: Tool,
  file: FilePlace & { readonly format: string },
  {
    select,
    video,
    signal,
  }: {
    select?: string
    video?: { readonly index: number; readonly timeBase: Rational }
    signal?: AbortSignal
  } = {},
): Promise<Tracks> {
  const tracks = new Map<number, { -readonly [Key in keyof Track]: Track[Key] }>()
  const videoTimes = new AscendingTimes()
  const videoBytes = new BytesBySecond(video?.timeBase ?? { num: 1, den: 1 })
  await run(
    ffprobe,
    [
      ...['-v', 'error', '-f', file.format, ...(select === undefined ? [] : ['-select_streams', select])],
      ...[
        '-show_entries',
        'packet=stream_index,pts,dts,duration,size',
        '-of',
        'csv=p=0',
        `file:${file.path}`,
      ],
    ],
    {
      signal,
      access: fileAccess([file]),
      onLine(line) {
        const [index = '', time = '', decodeTime = '', length = '', size = ''] = line.split(',')
        if (!/^\d+$/.test(index) || !/^-?\d+$/.test(time)) return
        const stream = Number(index)
        const pts = BigInt(time)
        if (stream === video?.index) {
          videoTimes.insert(pts)
          videoBytes.add(pts, Number(size) || 0)
        }
        const dts = /^-?\d+$/.test(decodeTime) ? BigInt(decodeTime) : pts
        const end = pts + (/^\d+$/.test(length) ? BigInt(length) : 0n)
        const track = tracks.get(stream)
        if (track === undefined) {
          tracks.set(stream, { packets: 1, firstPts: pts, firstDts: dts, lastPts: pts, endPts: end })
          return
        }
        track.packets++
        if (pts < track.firstPts) track.firstPts = pts
        if (dts < track.firstDts) track.firstDts = dts
        if (pts > track.lastPts) track.lastPts = pts
        if (end > track.endPts) track.endPts = end
      },
    },
  )
  return { tracks, videoTimes: videoTimes.toArray(), videoBitRate: videoBytes.toBitRate(STRETCHES_MAX) }
}
