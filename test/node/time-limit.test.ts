import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { limitTime } from '../../src/node/worker/time-limit.ts'

const LONG = 60_000

async function until(signal: AbortSignal): Promise<unknown> {
  while (!signal.aborted) await sleep(10)
  return signal.reason
}

test('a task that gives no frame more is ended', async () => {
  const limit = limitTime({ silentMs: 300, totalMs: LONG })
  limit.onProgress(0, false)
  const ticking = setInterval(() => limit.onProgress(5, false), 20)
  expect(await until(limit.signal)).toMatchObject({ code: 'TASK_TIME' })
  clearInterval(ticking)
  limit.end()
})

test.each<[string, (tick: number) => [frames: number, isWaiting: boolean]]>([
  ['that gives frames', (tick) => [tick, false]],
  ['whose source is late', () => [0, true]],
])('one %s is not, until all its time is over', async (_, progress) => {
  const limit = limitTime({ silentMs: 300, totalMs: 1_500 })
  let ticks = 0
  const ticking = setInterval(() => limit.onProgress(...progress(++ticks)), 20)
  await sleep(900)
  expect(limit.signal.aborted).toBe(false)
  expect(await until(limit.signal)).toMatchObject({
    code: 'TASK_TIME',
    message: expect.stringContaining('not done'),
  })
  clearInterval(ticking)
  limit.end()
})
