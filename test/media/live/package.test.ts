/** Stretches of a live film, packaged one by one: behind one header they are one film, with every frame and all sound in their places. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { numberFragments } from '../../../src/media/live/fragments.ts'
import { ingest } from '../../../src/media/live/ingest.ts'
import { packageSegment } from '../../../src/media/live/package.ts'
import { type Piece, PieceMaker } from '../../../src/media/live/pieces.ts'
import { useDirectory } from '../../helpers/exactness.ts'
import { contents, decodedFrames, ffmpeg, tools } from '../../helpers/ffmpeg.ts'

const directory = useDirectory()
const { signal } = new AbortController()

async function piecesOf(path: string): Promise<Piece[]> {
  const pieces: Piece[] = []
  const maker = new PieceMaker({
    pieceSeconds: 1,
    pieceSecondsMax: 4,
    onPiece: (piece) => pieces.push(piece),
  })
  const sink = {
    onHeader: (header: Piece['header']) => maker.begin(header),
    onFragment: (fragment: Piece['own'][number]) => maker.add(fragment),
  }
  const input = { url: path, options: [], isPaced: false }
  await ingest(tools.ffmpeg, input, sink, { signal, audio: ['-c:a', 'aac'] })
  maker.end()
  return pieces
}

describe.each([
  ['30', '90000'],
  ['30000/1001', '30000'],
])('%s frames a second', (rate) => {
  test('joined they have the frames and the sound that were taken in', async () => {
    const path = join(directory(), `live-${rate.replace('/', '-')}.mkv`)
    await ffmpeg(
      ...['-f', 'lavfi', '-i', `testsrc2=size=96x64:rate=${rate}:duration=6`, '-f', 'lavfi'],
      ...[
        '-i',
        'sine=sample_rate=48000:duration=6',
        '-c:v',
        'libx264',
        '-g',
        '30',
        '-c:a',
        'pcm_s16le',
        path,
      ],
    )
    const pieces = await piecesOf(path)
    expect(pieces.length).toBeGreaterThan(3)
    const parts: Buffer[] = []
    let number = 1
    for (const piece of pieces) {
      const movie = (fragments: Piece['own']) =>
        Buffer.concat([piece.header.bytes, ...fragments.map(({ bytes }) => bytes)])
      const [sound, segment] = [join(directory(), 'sound.mp4'), join(directory(), 'segment.mp4')]
      await writeFile(sound, movie(piece.own))
      await writeFile(join(directory(), 'piece.mp4'), movie(piece.fragments))
      const range = `trim=start_pts=${piece.startPts}:end_pts=${piece.endPts},setpts=PTS-STARTPTS`
      await ffmpeg(
        ...[
          '-copyts',
          '-i',
          join(directory(), 'piece.mp4'),
          '-vf',
          range,
          '-an',
          '-c:v',
          'libx264',
          '-qp',
          '0',
        ],
        ...[
          '-fps_mode:v',
          'passthrough',
          '-enc_time_base:v',
          '-1',
          '-video_track_timescale',
          '90000',
          segment,
        ],
      )
      const packaged = await packageSegment(
        tools.ffmpeg,
        {
          ...{ segmentPath: segment, container: 'mp4', soundPath: sound, timeScale: 90_000 },
          soundStart: piece.own.find(({ soundStart }) => soundStart !== undefined)?.soundStart,
          firstPts: ((piece.pts[0] ?? 0n) * 90_000n) / BigInt(piece.header.timeScale),
        },
        { signal },
      )
      if (parts.length === 0) parts.push(packaged.header ?? Buffer.alloc(0))
      number = numberFragments(packaged.bytes, number)
      parts.push(packaged.bytes)
    }
    const joined = join(directory(), 'joined.mp4')
    await writeFile(joined, Buffer.concat(parts))
    const pictures = async (file: string) =>
      (await decodedFrames(file)).map((line) => line.replace(/^\S+ /, ''))
    expect(await pictures(joined)).toEqual(await pictures(path))
    // One run of ffmpeg, with the same encoder of the sound.
    const single = join(directory(), 'single.mp4')
    await ffmpeg('-i', path, '-c:v', 'copy', '-c:a', 'aac', '-video_track_timescale', '90000', single)
    const [ours, plain] = [await contents(joined), await contents(single)]
    const packets = (all: typeof ours) => all.otherPackets.map(({ content }) => content)
    expect(packets(ours)).toEqual(packets(plain))
    const gaps = (times: readonly number[]) => times.slice(1).map((time, at) => time - (times[at] ?? 0))
    expect(gaps(ours.videoTimes)).toEqual(gaps(plain.videoTimes))
    const apart = (all: typeof ours) => (all.otherPackets[0]?.pts ?? 0) - (all.videoTimes[0] ?? 0) / 90_000
    expect(Math.abs(apart(ours) - apart(plain))).toBeLessThan(0.022)
  })
})
