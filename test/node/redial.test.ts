import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Redial, redialIntervalMs } from '../../src/node/redial.ts'

test('intervals double up to half a minute, and are stretched by up to a quarter', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8, 1000].map((attempts) => redialIntervalMs(attempts, 0))).toEqual([
    500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
  ])
  expect(redialIntervalMs(1, 0.999_999)).toBeLessThan(625)
})

function redial(init: { succeedAt?: number; attemptsMax?: number; delayMs?: number }) {
  const seen = { attempts: 0, ends: 0 }
  const redial = new Redial({
    delayMs: init.delayMs ?? 0,
    ...(init.attemptsMax === undefined ? {} : { attemptsMax: init.attemptsMax }),
    random: () => 0,
    attempt: async () => {
      seen.attempts++
      if (seen.attempts !== init.succeedAt) throw new Error('no')
    },
    onEnd: () => void seen.ends++,
  })
  return { seen, redial }
}

test('it ends with the first success', async () => {
  const { seen } = redial({ succeedAt: 2 })
  await expect.poll(() => seen).toEqual({ attempts: 2, ends: 1 })
  await sleep(1_200)
  expect(seen).toEqual({ attempts: 2, ends: 1 })
})

test('it gives up after so many failures', async () => {
  const { seen } = redial({ attemptsMax: 2 })
  await expect.poll(() => seen).toEqual({ attempts: 2, ends: 1 })
})

test('news cuts the interval short, but not the delay before the first attempt', async () => {
  const { seen, redial: running } = redial({ delayMs: 300 })
  running.hurry()
  await sleep(100)
  expect(seen.attempts).toBe(0)
  await expect.poll(() => seen.attempts).toBe(1)
  running.hurry()
  await sleep(50)
  expect(seen.attempts).toBe(2)
  running.stop()
})

test('stopped, it tries no more and tells nobody', async () => {
  const { seen, redial: running } = redial({})
  await sleep(50)
  running.stop()
  await sleep(700)
  expect(seen).toEqual({ attempts: 1, ends: 0 })
})
