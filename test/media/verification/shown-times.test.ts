import { expect, test } from 'vitest'
import { showsTheSame } from '../../../src/media/verification/shown-times.ts'

const ticks = (...times: number[]) => BigInt64Array.from(times, BigInt)

test.each([
  ['all that is hidden is there', ticks(-20, -10, 0, 10), ticks(-20, -10, 0, 10), true],
  ['none of it is', ticks(-20, -10, 0, 10), ticks(0, 10), true],
  ['the first that is shown stands behind zero', ticks(-15, -5, 5, 15), ticks(-20, -10, 0, 10), true],
  ['a shown one is missing', ticks(-10, 0, 10, 20), ticks(-10, 0, 20), false],
  ['all come too late', ticks(-10, 0, 10, 20), ticks(0, 10, 20, 30), false],
  ['nothing is hidden', ticks(0, 10), ticks(0, 10), false],
  ['all is', ticks(-20, -10), ticks(0, 10), false],
])('%s', (_, expected, actual, same) => {
  expect(showsTheSame(expected, actual)).toBe(same)
})
