import { describe, expect, test } from 'vitest'
import { concatList } from '../../src/media/join.ts'
import { segmentTimeScale } from '../../src/media/segment/task.ts'

describe('the list of segments', () => {
  const list = (ticks: readonly bigint[], scale: number) =>
    concatList(
      ticks.map((firstTick, place) => ({ path: `/film/segment-${place}.mp4`, firstTick, frames: 1 })),
      scale,
    )

  test('names each file without its directory, and its length up to the next', () => {
    expect(list([0n, 25_600n, 64_000n], 12_800)).toBe(
      [
        'ffconcat version 1.0',
        "file 'segment-0.mp4'",
        'duration 2.000000',
        "file 'segment-1.mp4'",
        'duration 3.000000',
        "file 'segment-2.mp4'",
        '',
      ].join('\n'),
    )
  })

  test('of one segment needs no length', () => {
    expect(list([5n], 12_800)).toBe("ffconcat version 1.0\nfile 'segment-0.mp4'\n")
  })

  test('adds no rounding up: the lengths sum to the last start, to the microsecond', () => {
    const scale = 24_000
    const starts = Array.from({ length: 400 }, (_, place) => BigInt(place * 1001 * 7))
    const lengths = [...list(starts, scale).matchAll(/^duration (\d+)\.(\d{6})$/gm)].map(
      ([, seconds, fraction]) => BigInt(`${seconds}${fraction}`),
    )
    expect(lengths).toHaveLength(399)
    const sum = lengths.reduce((total, length) => total + length, 0n)
    const exact = (Number(starts.at(-1)) / scale) * 1e6
    expect(Math.abs(Number(sum) - exact)).toBeLessThanOrEqual(0.5)
  })
})

describe('the time scale of a segment', () => {
  test.each([
    [{ num: 1, den: 25 }, 12_800],
    [{ num: 1001, den: 24_000 }, 24_000],
    [{ num: 1001, den: 30_000 }, 30_000],
    [{ num: 1, den: 1000 }, 16_000],
    [{ num: 1, den: 90_000 }, 90_000],
    [{ num: 1, den: 1 }, 16_384],
  ])('for %o is %d: the encoder’s, doubled until it is fine enough', (timeBase, scale) => {
    expect(segmentTimeScale(timeBase)).toBe(scale)
  })
})
