/** Filters that remember, and filters that change the frames and their times. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MediaError } from '../../../src/media/index.ts'
import {
  bPyramid,
  type Clip,
  clipIn,
  interlacedMpeg2,
  intraRefresh,
  variableRateMp4,
} from '../../helpers/clips.ts'
import { newSize } from '../../helpers/clips-decoders.ts'
import { ANYWHERE, expectSameFrames, LOSSLESS, useDirectory } from '../../helpers/exactness.ts'
import { type Cuts, encodeSegments } from '../../helpers/segments.ts'
import { slug } from '../../helpers/slug.ts'

const directory = useDirectory()

/** A chain, and the time base that a single run's encoder has. */
const CHAINS: readonly { clip: Clip; chain: string; grid: string }[] = [
  { clip: bPyramid, chain: 'scale=96:-2,hqdn3d', grid: '1/25' },
  { clip: bPyramid, chain: 'tmix=frames=5,fade=t=in:st=1:d=2', grid: '1/25' },
  { clip: bPyramid, chain: 'fps=24000/1001', grid: '1001/24000' },
  { clip: bPyramid, chain: "select='not(mod(n,3))'", grid: '1/25' },
  { clip: bPyramid, chain: 'setpts=0.5*PTS', grid: '1/12800' },
  { clip: bPyramid, chain: 'setpts=N/30/TB', grid: '1/12800' },
  { clip: interlacedMpeg2, chain: 'yadif', grid: '1/25' },
  { clip: interlacedMpeg2, chain: 'bwdif,scale=96:-2', grid: '1/50' },
  { clip: interlacedMpeg2, chain: 'fieldmatch,yadif=deint=interlaced,decimate', grid: '1/20' },
  { clip: variableRateMp4, chain: 'fps=25', grid: '1/25' },
]

const CUTS: Cuts = { lengths: [23, 1, 60], atKeyframes: false }

describe('segments filtered each by itself are the film filtered as a whole', () => {
  test.each(CHAINS)('$clip.name: $chain', async ({ clip, chain, grid }) => {
    const source = await clipIn(directory(), clip)
    const place = join(directory(), slug(chain))
    await expectSameFrames(source, grid, CUTS, place, `${LOSSLESS} -vf "${chain}"`)
  })
})

test('filters see all frames before a cut, where a decoder silently leaves out those behind a recovery point', async () => {
  const source = await clipIn(directory(), intraRefresh)
  const params = `${LOSSLESS} -vf tmix=frames=5`
  await expectSameFrames(source, '1/25', ANYWHERE, join(directory(), 'recovery'), params)
})

describe('where the pictures change their size', () => {
  test('filters that start anew there do so in segments too', async () => {
    const source = await clipIn(directory(), newSize)
    const params = `${LOSSLESS} -vf yadif`
    await expectSameFrames(source, undefined, ANYWHERE, join(directory(), 'size'), params)
  })

  test('a frame rate is refused before any work', async () => {
    const source = await clipIn(directory(), newSize)
    const encoding = encodeSegments(source, `${LOSSLESS} -r 30`, CUTS, join(directory(), 'size-rate'))
    await expect(encoding).rejects.toMatchObject({ failure: { code: 'INPUT_SIZE_CHANGES' } })
  })
})

test('filters that leave nothing are refused before any work', async () => {
  const source = await clipIn(directory(), bPyramid)
  const encoding = encodeSegments(source, `${LOSSLESS} -vf select=0`, CUTS, join(directory(), 'none'))
  await expect(encoding).rejects.toSatisfy(
    (error) => error instanceof MediaError && error.code === 'FILM_TIMES',
  )
  expect.assertions(1)
})
