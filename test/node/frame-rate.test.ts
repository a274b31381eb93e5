import { expect, test } from 'vitest'
import { FrameRate } from '../../src/node/coordinator/frame-rate.ts'

/** The rate at the end of so many seconds, told twice a second. */
function rateAfter(seconds: number, framesAt: (second: number) => number): number {
  const rate = new FrameRate(100, framesAt(0))
  let latest = 0
  for (let at = 0.5; at <= seconds; at += 0.5) latest = rate.update(100 + at, framesAt(at))
  return latest
}

test('a steady rate is told as it is, and what was there before is no work of now', () => {
  expect(rateAfter(30, (second) => 500 + 20 * second)).toBeCloseTo(20)
})

test('what a swarm does of late counts, not how slow it was before', () => {
  const joined = (second: number) => (second < 60 ? 10 * second : 600 + 40 * (second - 60))
  expect(rateAfter(120, joined)).toBeCloseTo(40)
})

test('a moment of silence is none yet', () => {
  const stuck = (second: number) => 20 * (second < 90 ? second : 90)
  expect(rateAfter(92, stuck)).toBeGreaterThan(17)
})

test('nothing, and less than there was, are no rate', () => {
  const rate = new FrameRate(0, 100)
  expect(rate.update(0, 100)).toBe(0)
  expect(rate.update(5, 80)).toBe(0)
})

test('so much is kept of an hour, and no more', () => {
  const rate = new FrameRate(0, 0)
  for (let at = 0; at < 3600; at += 0.5) rate.update(at, 24 * at)
  expect(rate.update(3600, 24 * 3600)).toBeCloseTo(24, 1)
})
