import { describe, expect, test } from 'vitest'
import {
  divideRounded,
  equalRationals,
  formatMicroseconds,
  invert,
  MICROSECONDS,
  parseRational,
  rescale,
  toSeconds,
} from '../../src/media/rational.ts'

describe('a fraction as FFmpeg prints it', () => {
  test.each([
    ['24000/1001', { num: 24_000, den: 1001 }],
    ['24000:1001', { num: 24_000, den: 1001 }],
    ['25', { num: 25, den: 1 }],
  ])('%s is read', (text, rational) => {
    expect(parseRational(text)).toEqual(rational)
  })

  test.each(['0/0', '0/1', '1/0', '', 'N/A', '-1/25', '1.5', '1/25x', '99999999999999999999/1'])(
    "'%s' is none",
    (text) => {
      expect(parseRational(text)).toBeUndefined()
    },
  )

  test('is the same whether reduced or not', () => {
    expect(equalRationals({ num: 2, den: 50 }, { num: 1, den: 25 })).toBe(true)
    expect(equalRationals({ num: 1001, den: 24_000 }, { num: 1, den: 24 })).toBe(false)
    expect(equalRationals(invert({ num: 1, den: 25 }), { num: 25, den: 1 })).toBe(true)
  })
})

describe('rounding', () => {
  test.each([
    [7n, 2n, 4n],
    [-7n, 2n, -4n],
    [5n, 2n, 3n],
    [-5n, 2n, -3n],
    [6n, 4n, 2n],
    [5n, 4n, 1n],
    [-5n, 4n, -1n],
    [10n, 3n, 3n],
    [11n, 3n, 4n],
    [0n, 3n, 0n],
  ])('%d / %d is %d: to the nearest, halves away from zero', (dividend, divisor, quotient) => {
    expect(divideRounded(dividend, divisor)).toBe(quotient)
  })

  test('between time bases is that of av_rescale_q', () => {
    expect(rescale(1n, { num: 1001, den: 24_000 }, { num: 1, den: 1000 })).toBe(42n)
    expect(rescale(2n, { num: 1001, den: 24_000 }, { num: 1, den: 1000 })).toBe(83n)
    expect(rescale(-1n, { num: 1001, den: 24_000 }, { num: 1, den: 1000 })).toBe(-42n)
    expect(rescale(1n, { num: 1, den: 2 }, { num: 1, den: 1 })).toBe(1n)
    expect(rescale(-1n, { num: 1, den: 2 }, { num: 1, den: 1 })).toBe(-1n)
  })

  test('is exact beyond the 53 bits of a float', () => {
    const ticks = 2n ** 53n + 1n
    expect(rescale(ticks, MICROSECONDS, MICROSECONDS)).toBe(ticks)
    expect(rescale(ticks, { num: 1, den: 90_000 }, { num: 1, den: 180_000 })).toBe(ticks * 2n)
  })
})

describe('seconds', () => {
  test.each([
    [0n, '0.000000'],
    [1n, '0.000001'],
    [-1n, '-0.000001'],
    [1_500_000n, '1.500000'],
    [-61_000_001n, '-61.000001'],
    [123_456_789_012n, '123456.789012'],
  ])('%d µs are written %s', (microseconds, text) => {
    expect(formatMicroseconds(microseconds)).toBe(text)
  })

  test('come from ticks', () => {
    expect(toSeconds(48n, { num: 1001, den: 24_000 })).toBeCloseTo(2.002, 9)
  })
})
