/** How many tasks a peer has at once, and when. */
import { expect, test } from 'vitest'
import { Scheduler, type Stretch } from '../../src/node/scheduler/index.ts'

const carver = {
  totalFrames: 10_000,
  unseenFrames: 0,
  carve: ({ first, end }: Stretch, frames: number) => ({ first, frames: Math.min(frames, end - first) }),
}
const POLICY = {
  totalFrames: 10_000,
  framesPerSecond: 25,
  segmentSeconds: undefined,
  benchmarkSeconds: 10,
}

test('more slots get tasks at once, and are taken for as fast as the first', () => {
  const scheduler = new Scheduler(carver, POLICY)
  scheduler.addPeer('a', 1, 50)
  expect(scheduler.assign(0)).toHaveLength(1)
  expect(scheduler.setSlots('a', 3)).toBe(true)
  expect(scheduler.assign(1)).toHaveLength(2)
  expect(scheduler.setSlots('a', 3)).toBe(false)
  expect(scheduler.assign(2)).toHaveLength(0)
  expect(scheduler.rates.get('a')).toBe(50)
})

test('fewer slots let what is under way come to its end', () => {
  const scheduler = new Scheduler(carver, POLICY)
  scheduler.addPeer('a', 2, 50)
  const [first, second] = scheduler.assign(0)
  scheduler.setSlots('a', 1)
  for (const assignment of [first, second]) {
    if (assignment === undefined) throw new Error('there is no task')
    scheduler.encoded(assignment, 10, 10)
    scheduler.verified(assignment, 10)
    scheduler.setSlots('a', 1)
  }
  expect(scheduler.assign(11)).toHaveLength(1)
})

test('a slot in its last second is given its next task, unless slots are to ask for it', () => {
  for (const isPull of [false, true]) {
    const scheduler = new Scheduler(carver, { ...POLICY, isPull })
    scheduler.addPeer('a', 1, 50)
    const [assignment] = scheduler.assign(0)
    if (assignment === undefined) throw new Error('there is no task')
    const { frames } = assignment.task
    scheduler.progress(assignment, frames - 100, 1)
    scheduler.progress(assignment, frames - 20, 2)
    expect(scheduler.assign(2)).toHaveLength(isPull ? 0 : 1)
  }
})

test('a peer that is not there stays away', () => {
  const scheduler = new Scheduler(carver, POLICY)
  expect(scheduler.setSlots('a', 3)).toBe(false)
  expect(scheduler.assign(0)).toHaveLength(0)
})
