/** A movie in fragments, cut: nothing is lost, and each frame has its time. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Fragment, FragmentReader, type MovieHeader } from '../../../src/media/live/fragments.ts'
import { bPyramid, clipIn, lateVideoTs, offsetTs, openGop264, variableRateMp4 } from '../../helpers/clips.ts'
import { useDirectory } from '../../helpers/exactness.ts'
import { decodedFrames, ffmpeg, ffprobe } from '../../helpers/ffmpeg.ts'

const directory = useDirectory()
const MUXER = ['-f', 'mp4', '-movflags', 'frag_keyframe+empty_moov+default_base_moof', '-use_editlist', '0']

async function fragmented(path: string): Promise<string> {
  const output = join(directory(), `${path.replace(/^.*\//, '')}.fragments.mp4`)
  await ffmpeg('-i', path, '-map', '0:v:0', '-map', '0:a?', '-c:v', 'copy', ...MUXER, output)
  return output
}

function read(bytes: Buffer, pieceBytes: number) {
  const headers: MovieHeader[] = []
  const fragments: Fragment[] = []
  const reader = new FragmentReader({
    onHeader: (header) => headers.push(header),
    onFragment: (fragment) => fragments.push(fragment),
  })
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.write(bytes.subarray(at, at + pieceBytes))
  return { headers, fragments }
}

/** Of the first video's packets, in their order, in the track's ticks. */
async function packetTimes(path: string): Promise<bigint[]> {
  const text = await ffprobe('-select_streams', 'v:0', '-show_entries', 'packet=pts', '-of', 'csv=p=0', path)
  return text.split('\n').flatMap((line) => (/^-?\d+/.test(line) ? [BigInt(Number.parseInt(line, 10))] : []))
}

describe.each([bPyramid, openGop264, variableRateMp4, offsetTs, lateVideoTs])('$name', (clip) => {
  test.each([7, 4096, 1e9])('in pieces of %d bytes', async (pieceBytes) => {
    const path = await fragmented(await clipIn(directory(), clip))
    const bytes = await readFile(path)
    const { headers, fragments } = read(bytes, pieceBytes)
    expect(headers).toHaveLength(1)
    const times = fragments.flatMap(({ video }) => [...(video?.pts ?? [])])
    expect(times).toEqual(await packetTimes(path))
    const videos = fragments.flatMap(({ video }) => video ?? [])
    expect(videos.every(({ startsWithKeyframe }) => startsWithKeyframe)).toBe(true)
    for (const [at, video] of videos.entries()) {
      if (at > 0) expect(video.startDts).toBe(videos[at - 1]?.endDts)
    }
    const header = headers[0]?.bytes ?? Buffer.alloc(0)
    const whole = Buffer.concat([header, ...fragments.map((fragment) => fragment.bytes)])
    // Of the file nothing is missing but the index at its end.
    expect(bytes.subarray(0, whole.length).equals(whole)).toBe(true)
  })
})

test('a run of fragments behind the header is a movie with these frames', async () => {
  const path = await fragmented(await clipIn(directory(), bPyramid))
  const { headers, fragments } = read(await readFile(path), 1e9)
  expect(fragments.length).toBeGreaterThan(2)
  const part = join(directory(), 'part.mp4')
  const later = fragments.slice(1)
  await writeFile(
    part,
    Buffer.concat([headers[0]?.bytes ?? Buffer.alloc(0), ...later.map(({ bytes }) => bytes)]),
  )
  // ffmpeg has the first of them at zero.
  const pictures = (lines: readonly string[]) => lines.map((line) => line.replace(/^\S+ /, ''))
  const frames = later.reduce((sum, { video }) => sum + (video?.pts.length ?? 0), 0)
  expect(pictures(await decodedFrames(part))).toEqual(pictures(await decodedFrames(path)).slice(-frames))
})

test('what is no movie is refused', () => {
  const reader = new FragmentReader({ onHeader() {}, onFragment() {} })
  expect(() => reader.write(Buffer.from('this is no movie at all'))).toThrow(RangeError)
})
