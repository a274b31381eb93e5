/** How much of the machine others use, from its CPU times. */
import { expect, test } from 'vitest'
import { LoadMeter, readCpuTimes } from '../../src/node/load.ts'

const SECOND = 4_000
const at = (seconds: number, others: number) => ({ others, idle: 0, total: seconds * SECOND, cores: 4 })

test('it comes near what others use, in cores', () => {
  const meter = new LoadMeter(at(0, 0))
  for (let second = 1; second <= 30; second++) meter.look(at(second, second * 1_500))
  expect(meter.cores).toBeCloseTo(1.5, 1)
  for (let second = 31; second <= 60; second++) meter.look(at(second, 45_000))
  expect(meter.cores).toBeLessThan(0.05)
})

test('a burst of a second does not count for much', () => {
  const meter = new LoadMeter(at(0, 0))
  meter.look(at(1, SECOND))
  expect(meter.cores).toBeLessThan(1)
})

test('a stretch that tells nothing of others is passed over, and so is a clock that stands still', () => {
  const meter = new LoadMeter(at(0, 0))
  meter.look(at(1, SECOND), false)
  meter.look(at(1, SECOND))
  expect(meter.cores).toBe(0)
})

test('the machine tells its own', () => {
  const { others, idle, total, cores } = readCpuTimes()
  expect(cores).toBeGreaterThan(0)
  expect(others).toBeGreaterThan(0)
  expect(total).toBeGreaterThan(others + idle)
})
