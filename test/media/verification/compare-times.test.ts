import { describe, expect, test } from 'vitest'
import { compareTimes } from '../../../src/media/verification/compare-times.ts'

const list = (...times: number[]) => BigInt64Array.from(times, BigInt)
const UNEVEN = [0, 40, 75, 130, 160, 210, 245]

describe('two lists of times', () => {
  test('that are equal differ nowhere', () => {
    expect(compareTimes(list(...UNEVEN), list(...UNEVEN))).toEqual({
      shiftTicks: 0n,
      missing: 0,
      extra: 0,
      firstDifference: undefined,
    })
  })

  test('may be shifted as a whole', () => {
    const shifted = UNEVEN.map((time) => time + 21)
    expect(compareTimes(list(...UNEVEN), list(...shifted))).toMatchObject({
      shiftTicks: 21n,
      firstDifference: undefined,
    })
  })

  test.each(UNEVEN.map((_, place) => place))('tell which frame is missing: %i', (place) => {
    const rest = UNEVEN.filter((_, at) => at !== place)
    expect(compareTimes(list(...UNEVEN), list(...rest))).toEqual({
      shiftTicks: 0n,
      missing: 1,
      extra: 0,
      firstDifference: place,
    })
  })

  test('of a constant rate without the first frame are not taken for shifted', () => {
    const film = Array.from({ length: 50 }, (_, place) => place * 40)
    expect(compareTimes(list(...film), list(...film.slice(1)))).toMatchObject({
      shiftTicks: 0n,
      firstDifference: 0,
    })
  })

  test('tell of a frame too much, and of one that stands elsewhere', () => {
    const doubled = [...UNEVEN.slice(0, 4), 140, ...UNEVEN.slice(4)]
    expect(compareTimes(list(...UNEVEN), list(...doubled))).toMatchObject({ missing: 0, extra: 1 })
    const moved = UNEVEN.map((time) => (time === 130 ? 131 : time))
    expect(compareTimes(list(...UNEVEN), list(...moved))).toMatchObject({
      missing: 1,
      extra: 1,
      firstDifference: 3,
    })
    expect(compareTimes(list(...UNEVEN), list(...moved), 1n)).toMatchObject({ firstDifference: undefined })
  })

  test('of nothing at all are not equal to a film', () => {
    expect(compareTimes(list(...UNEVEN), list())).toMatchObject({ missing: 7, firstDifference: 0 })
  })
})
