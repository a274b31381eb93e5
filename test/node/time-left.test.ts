/** What is said of the time that is left. */
import { describe, expect, test } from 'vitest'
import { endingSeconds } from '../../src/node/coordinator/ending.ts'
import { Scheduler, type Stretch } from '../../src/node/scheduler/index.ts'

const carver = {
  totalFrames: 1_000,
  unseenFrames: 0,
  carve: ({ first, end }: Stretch, frames: number) => ({ first, frames: Math.min(frames, end - first) }),
}
const POLICY = { totalFrames: 1_000, framesPerSecond: 25, segmentSeconds: 20, benchmarkSeconds: undefined }

test('while there is more to give out, what is under way tells nothing', () => {
  const scheduler = new Scheduler(carver, POLICY)
  scheduler.addPeer('a', 1, 50)
  expect(scheduler.assign(0)).toHaveLength(1)
  expect(scheduler.secondsToEnd(1)).toBeUndefined()
})

test('at the end it is the time of the slowest, not of all on average', () => {
  const scheduler = new Scheduler(carver, POLICY)
  scheduler.addPeer('fast', 1, 100)
  scheduler.addPeer('slow', 1, 10)
  const [quick, slow] = scheduler.assign(0)
  if (quick === undefined || slow === undefined) throw new Error('both have a task')
  expect([quick.peer, slow.peer]).toEqual(['fast', 'slow'])
  for (const seconds of [1, 2, 3]) {
    scheduler.progress(quick, seconds * 100, seconds)
    scheduler.progress(slow, seconds * 10, seconds)
  }
  const left = scheduler.secondsToEnd(3) ?? Number.NaN
  // Of the 500 frames of each 200 and 470 are left.
  expect(left).toBeCloseTo(47, 0)
  scheduler.encoded(quick, 5, 5)
  scheduler.verified(quick, 5)
  scheduler.progress(slow, 50, 5)
  expect(scheduler.secondsToEnd(5)).toBeLessThan(left)
})

describe('the end of a job', () => {
  const job = {
    film: { pts: new BigInt64Array(8_000) },
    params: { audio: ['-c:a', 'aac'] },
    picture: '1280x720 yuv420p',
    source: { streams: [{ kind: 'video' }, { kind: 'audio' }, { kind: 'audio' }], durationSeconds: 320 },
  } as unknown as Parameters<typeof endingSeconds>[0]
  const copied = { ...job, params: { ...job.params, audio: ['-c:a', 'copy'] } }

  test('takes longer with sound to encode, and longest where all pictures are looked at', () => {
    expect(endingSeconds(copied, 'times')).toBe(2)
    expect(endingSeconds(job, 'times')).toBe(10)
    expect(endingSeconds(job, 'full')).toBeGreaterThan(40)
  })
})
