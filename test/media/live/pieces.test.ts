/** Pieces of a live film: every frame is in one of them, and each of them can be decoded by itself. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ingest } from '../../../src/media/live/ingest.ts'
import { type Piece, PieceMaker } from '../../../src/media/live/pieces.ts'
import { bPyramid, clipIn, openGop264, openGop265, variableRateMp4 } from '../../helpers/clips.ts'
import { useDirectory } from '../../helpers/exactness.ts'
import { decodedFrames, ffmpeg, tools } from '../../helpers/ffmpeg.ts'

const directory = useDirectory()
const { signal } = new AbortController()

async function piecesOf(path: string, pieceSeconds: number, pieceSecondsMax = 10): Promise<Piece[]> {
  const pieces: Piece[] = []
  const maker = new PieceMaker({ pieceSeconds, pieceSecondsMax, onPiece: (piece) => pieces.push(piece) })
  const input = { url: path, options: [], isPaced: false }
  await ingest(
    tools.ffmpeg,
    input,
    { onHeader: (header) => maker.begin(header), onFragment: (fragment) => maker.add(fragment) },
    { signal, audio: ['-c:a', 'aac'] },
  )
  maker.end()
  return pieces
}

const md5s = (lines: readonly string[]) => lines.map((line) => line.replace(/^\S+ /, ''))

/** The pictures of a piece, decoded from its own bytes alone. */
async function picturesOf(piece: Piece): Promise<string[]> {
  const path = join(directory(), `piece-${piece.index}.mp4`)
  await writeFile(path, Buffer.concat([piece.header.bytes, ...piece.fragments.map(({ bytes }) => bytes)]))
  const output = join(directory(), `piece-${piece.index}.nut`)
  const range = `trim=start_pts=${piece.startPts}:end_pts=${piece.endPts}`
  await ffmpeg(
    ...['-copyts', '-i', path, '-map', '0:v:0', '-vf', range, '-c:v', 'rawvideo'],
    ...['-fps_mode:v', 'passthrough', '-enc_time_base:v', '-1', output],
  )
  return md5s(await decodedFrames(output))
}

describe.each([bPyramid, openGop264, openGop265, variableRateMp4])('$name', (clip) => {
  test.each([0.1, 1])('in pieces of %d s', async (pieceSeconds) => {
    const path = await clipIn(directory(), clip)
    const pieces = await piecesOf(path, pieceSeconds)
    expect(pieces.length).toBeGreaterThan(1)
    expect(pieces.map(({ index }) => index)).toEqual(pieces.map((_, at) => at))
    for (const [at, { startPts, endPts, pts }] of pieces.entries()) {
      expect(pts.every((time) => time >= startPts && time < endPts)).toBe(true)
      if (at > 0) expect(startPts).toBe(pieces[at - 1]?.endPts)
    }
    const pictures: string[] = []
    for (const piece of pieces) {
      const own = await picturesOf(piece)
      expect(own).toHaveLength(piece.pts.length)
      pictures.push(...own)
    }
    expect(pictures).toEqual(md5s(await decodedFrames(path)))
  })
})

test('where no keyframe comes, pieces end all the same, and begin with what their decoder needs', async () => {
  const long = join(directory(), 'one-keyframe.mp4')
  await ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=size=96x64:rate=25:duration=12', '-c:v', 'libx264', '-g', '9999'],
    ...['-sc_threshold', '0', long],
  )
  const pieces = await piecesOf(long, 2, 4)
  expect(pieces.length).toBeGreaterThan(1)
  const pictures: string[] = []
  for (const piece of pieces) pictures.push(...(await picturesOf(piece)))
  expect(pictures).toEqual(md5s(await decodedFrames(long)))
})

test('sound is in one piece each, all of it', async () => {
  const path = await clipIn(directory(), bPyramid)
  const pieces = await piecesOf(path, 0.1)
  const bytes = pieces.flatMap(({ own }) => own.map((fragment) => fragment.bytes))
  expect(new Set(bytes).size).toBe(bytes.length)
})
