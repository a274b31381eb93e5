/** `-r` and `-fps_mode`: frames that ffmpeg repeats and drops. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { align, repeatRuns } from '../../../src/media/frame-sync.ts'
import {
  bPyramid,
  type Clip,
  clipIn,
  interlacedMpeg2,
  lateVideoMp4,
  ntscFilmMkv,
  slowMp4,
  variableRateMkv,
  variableRateMp4,
} from '../../helpers/clips.ts'
import { expectSameFile, expectSameFrames, LOSSLESS, useDirectory } from '../../helpers/exactness.ts'
import { slug } from '../../helpers/slug.ts'

const directory = useDirectory()

const X264 = '-c:v libx264 -preset ultrafast -threads 1'

const LENGTHS = [29, 1, 40]

const CASES: readonly { clip: Clip; params: string; lengths?: readonly number[] }[] = [
  { clip: bPyramid, params: '-r 30' },
  { clip: bPyramid, params: '-r 10 -vf scale=96:-2' },
  { clip: bPyramid, params: '-r 60000/1001 -ss 1.3 -t 2' },
  { clip: ntscFilmMkv, params: '-r 25' },
  { clip: variableRateMp4, params: '-r 30' },
  // FFmpeg 7 makes a thousand frames per second of it: short segments alone would be hundreds.
  { clip: variableRateMkv, params: '-fps_mode cfr', lengths: [...LENGTHS, 1000] },
  { clip: variableRateMkv, params: '-fps_mode vfr' },
  { clip: interlacedMpeg2, params: '-r 24 -vf bwdif' },
]

/** ffmpeg's own choice between a constant and a variable rate is another in each kind of container. */
const FILES: readonly { clip: Clip; params: string; containers: readonly string[] }[] = [
  { clip: bPyramid, params: '-r 30', containers: ['mp4', 'mkv'] },
  { clip: bPyramid, params: '-r 12', containers: ['mov', 'ts'] },
  { clip: variableRateMp4, params: '-r 30', containers: ['m4v', 'ts'] },
  { clip: variableRateMp4, params: '-fps_mode auto', containers: ['mp4', 'mkv'] },
  { clip: variableRateMkv, params: '-fps_mode auto -ss 1 -t 3', containers: ['mov'] },
  { clip: lateVideoMp4, params: '-r 25', containers: ['mp4', 'ts'] },
  { clip: slowMp4, params: '-r 10', containers: ['mp4'] },
]

describe('frames are repeated and dropped as in a single run', () => {
  test.each(CASES)('$clip.name: $params', async ({ clip, params, lengths = LENGTHS }) => {
    const source = await clipIn(directory(), clip)
    const place = join(directory(), slug(`${clip.name}-${params}`))
    const cuts = { lengths, atKeyframes: false }
    await expectSameFrames(source, 'as asked for', cuts, place, `${LOSSLESS} ${params}`)
  })
})

test('a filter that makes a hundred frames of the first says its time base all the same', async () => {
  const source = await clipIn(directory(), slowMp4)
  const cuts = { lengths: [130, 1, 270], atKeyframes: false }
  await expectSameFrames(source, undefined, cuts, join(directory(), 'slow'), `${LOSSLESS} -vf fps=100`)
})

describe('files with a frame rate are those of a single run', () => {
  test.each(FILES)('$clip.name: $params in $containers', async ({ clip, params, containers }) => {
    const source = await clipIn(directory(), clip)
    const place = join(directory(), slug(`${clip.name}-${params}-${containers}`))
    const { roughAudioSeconds } = clip
    const check = { grid: undefined, params: `${X264} ${params}`, containers, roughAudioSeconds }
    await expectSameFile(source, check, place)
  })
})

describe('pictures are found again', () => {
  test('in their order, repeated and left out', () => {
    expect(align(['a', 'a', 'c', 'd', 'd'], ['a', 'b', 'c', 'd', 'e'])).toEqual(Int32Array.of(0, 0, 2, 3, 3))
  })

  test('where several look alike, at the earliest', () => {
    expect(align(['a', 'a', 'b'], ['a', 'a', 'a', 'b'])).toEqual(Int32Array.of(0, 0, 3))
  })

  test('or not at all', () => {
    expect(align(['b', 'a'], ['a', 'b'])).toBeUndefined()
  })

  test('and counted in runs', () => {
    expect(repeatRuns(Int32Array.of(4, 4, 5, 5, 7, 8, 9))).toEqual([
      [2, 2],
      [1, 0],
      [3, 1],
    ])
  })
})
