import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Countdown } from '../../src/protocols/countdown.ts'

function count(ms: number) {
  const ended = { times: 0 }
  const countdown = new Countdown(ms, () => ended.times++)
  return { countdown, ended }
}

test('ends once, when its time is over', async () => {
  const { ended } = count(100)
  await sleep(50)
  expect(ended.times).toBe(0)
  await sleep(300)
  expect(ended.times).toBe(1)
})

test('begins anew when it is refreshed, and not at all when it is stopped', async () => {
  const [refreshed, stopped] = [count(200), count(200)]
  stopped.countdown.stop()
  for (let looks = 0; looks < 5; looks++) {
    await sleep(80)
    refreshed.countdown.refresh()
  }
  expect(refreshed.ended.times).toBe(0)
  refreshed.countdown.stop()
  await sleep(300)
  expect([refreshed.ended.times, stopped.ended.times]).toEqual([0, 0])
})

test('time in which the process stands still is no waiting', async () => {
  const { countdown, ended } = count(300)
  const until = performance.now() + 1_000
  while (performance.now() < until);
  await sleep(100)
  expect(ended.times).toBe(0)
  countdown.stop()
})
