import { describe, expect, test } from 'vitest'
import { judgePictures, median } from '../../../src/media/pictures/judge.ts'
import { sampleStretches, thinOut } from '../../../src/media/pictures/samples.ts'

const picture = (ssim: number, neighbour: number, coarsePsnr: number, colourPsnr?: number) => ({
  ...{ place: 7, ssim, ssimBefore: neighbour, ssimAfter: undefined, coarsePsnr },
  planes: colourPsnr === undefined ? undefined : { lightPsnr: coarsePsnr, colourPsnr },
  levelsGain: -5,
})

describe('a picture', () => {
  test.each([
    ['of good quality', picture(0.97, 0.9, 44), []],
    ['of a bad quality that all have', picture(0.69, 0.69, 33), []],
    ['of a film that stands still', picture(0.95, 0.951, 44), []],
    ['that equals its neighbour, as the source’s do', picture(1, 1, 100), []],
    ['more like its neighbour', picture(0.9, 0.98, 40), ['misplaced']],
    ['that has lost its large shapes', picture(0.5, 0.4, 14), ['outlier']],
    ['without its colours', picture(0.97, 0.9, 44, 26), ['colours']],
    ['with the colours of a bad quality', picture(0.69, 0.69, 33, 31), []],
    ['whose light is of another range', { ...picture(0.966, 0.94, 31), levelsGain: 15 }, ['levels']],
    ['that is grey, so that any range would do', { ...picture(0.97, 0.9, 44), levelsGain: 7 }, []],
    ['partly damaged', picture(0.9, 0.85, 29), ['outlier']],
  ])('%s', (_, score, kinds) => {
    expect(judgePictures([score], 44).map(({ kind }) => kind)).toEqual(kinds)
  })

  test('is judged by its film: what one calls damage is another’s quality', () => {
    expect(judgePictures([picture(0.7, 0.69, 27)], 32)).toEqual([])
    expect(judgePictures([picture(0.7, 0.69, 27)], 45)).toHaveLength(1)
  })

  test('of a film that is wrong from end to end is wrong all the same', () => {
    expect(judgePictures([picture(0.3, 0.3, 12)], 12)).toHaveLength(1)
  })
})

describe('the places that are looked at', () => {
  test('are both sides of each seam, both ends, and some in between, each once', () => {
    const stretches = sampleStretches(1000, [500, 503])
    expect(stretches).toContainEqual({ first: 496, end: 507 })
    expect(stretches[0]).toEqual({ first: 0, end: 4 })
    expect(stretches.at(-1)).toEqual({ first: 996, end: 1000 })
    for (const [at, { first, end }] of stretches.entries()) {
      expect(end).toBeGreaterThan(first)
      expect(first).toBeGreaterThan(stretches[at - 1]?.end ?? -1)
    }
  })

  test.each([1, 2, 5, 30])('of a film of %d frames lie within it', (frames) => {
    const stretches = sampleStretches(frames, [0])
    expect(stretches[0]?.first).toBe(0)
    expect(stretches.at(-1)?.end).toBe(frames)
  })

  test('are thinned out evenly', () => {
    expect(thinOut([0, 1, 2, 3, 4, 5, 6, 7], 4)).toEqual([0, 2, 4, 6])
    expect(thinOut([1, 2], 4)).toEqual([1, 2])
  })
})

test('a median is that of the middle', () => {
  expect(median([9, 1, 5])).toBe(5)
})
