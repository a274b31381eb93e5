/** Who tries what others have failed at, and who is given a rest. */
import { expect, test } from 'vitest'
import {
  type Assignment,
  ATTEMPTS_MAX,
  type Piece,
  Scheduler,
  type Stretch,
} from '../../src/node/scheduler/index.ts'

const carver = {
  totalFrames: 1_000,
  unseenFrames: 0,
  carve: ({ first, end }: Stretch, frames: number) => ({ first, frames: Math.min(frames, end - first) }),
}
const POLICY = { totalFrames: 1_000, framesPerSecond: 25, segmentSeconds: 4, benchmarkSeconds: undefined }

type Outcome = 'verified' | 'failed'

/**
 * Plays a job to its end.
 *
 * @param outcome of an assignment
 * @returns all assignments in order, as `peer first`, with the time of each, and what failures led to
 */
function play(scheduler: Scheduler<Piece>, outcome: (assignment: Assignment<Piece>) => Outcome) {
  const begun: { peer: string; first: number; now: number }[] = []
  const consequences: string[] = []
  for (let now = 0; !scheduler.isDone; now++) {
    if (now > 100_000) throw new Error('the job does not end')
    for (const assignment of scheduler.assign(now, (peer) => peer !== 'rescuer')) {
      begun.push({ peer: assignment.peer, first: assignment.task.first, now })
      if (outcome(assignment) === 'failed') {
        consequences.push(scheduler.failed(assignment, 'failed', now))
      } else {
        scheduler.encoded(assignment, 1, now)
        scheduler.verified(assignment, now)
      }
    }
  }
  return { begun, consequences }
}

function newScheduler(...peers: string[]) {
  const scheduler = new Scheduler<Piece>(carver, POLICY)
  scheduler.addRescuer('rescuer')
  for (const peer of peers) scheduler.addPeer(peer, 1, 100)
  return scheduler
}

test('a rescuer does nothing while others succeed', () => {
  const { begun } = play(newScheduler('a', 'b'), () => 'verified')
  expect(new Set(begun.map(({ peer }) => peer))).toEqual(new Set(['a', 'b']))
  expect(newScheduler().assign(0)).toEqual([])
})

test('what two peers have failed at is the rescuer’s, and only that', () => {
  const scheduler = newScheduler('a', 'b', 'c')
  const { begun, consequences } = play(scheduler, ({ peer, task }) =>
    task.first === 300 && peer !== 'rescuer' ? 'failed' : 'verified',
  )
  expect(begun.filter(({ first }) => first === 300).map(({ peer }) => peer)).toEqual([
    expect.stringMatching(/^[abc]$/),
    expect.stringMatching(/^[abc]$/),
    'rescuer',
  ])
  expect(begun.filter(({ peer }) => peer === 'rescuer')).toHaveLength(1)
  expect(consequences).toEqual(['again', 'again'])
  expect(scheduler.done.reduce((sum, { frames }) => sum + frames, 0)).toBe(1_000)
})

test('where there is but one peer, what it fails at is the rescuer’s', () => {
  const { begun } = play(newScheduler('a'), ({ peer, task }) =>
    task.first === 300 && peer !== 'rescuer' ? 'failed' : 'verified',
  )
  expect(begun.filter(({ first }) => first === 300).map(({ peer }) => peer)).toEqual(['a', 'a', 'rescuer'])
})

test('what nobody can do is given up, and everything else is done', () => {
  const scheduler = newScheduler('a', 'b')
  const { begun, consequences } = play(scheduler, ({ task }) => (task.first === 300 ? 'failed' : 'verified'))
  expect(consequences.at(-1)).toBe('give-up')
  expect(begun.filter(({ first }) => first === 300).length).toBeLessThanOrEqual(3 * ATTEMPTS_MAX)
  expect(scheduler.done.reduce((sum, { frames }) => sum + frames, 0)).toBe(900)
})

test('a peer that fails again and again rests longer each time, and is left out in the end', () => {
  const scheduler = newScheduler('good', 'bad')
  let isOver = false
  const assignedAt: number[] = []
  const consequences: string[] = []
  for (let now = 0; now < 2_000 && !isOver; now++) {
    for (const assignment of scheduler.assign(now, (peer) => peer === 'bad')) {
      if (assignment.peer === 'rescuer') {
        scheduler.verified(assignment, now)
        continue
      }
      assignedAt.push(now)
      const consequence = scheduler.failed(assignment, 'failed', now)
      consequences.push(consequence)
      isOver = consequence === 'leave-out' || consequence === 'give-up'
    }
  }
  expect(consequences).toEqual(['again', 'again', 'rest', 'rest', 'rest', 'rest', 'leave-out'])
  const pauses = assignedAt.slice(3).map((at, place) => at - (assignedAt[place + 2] ?? 0))
  expect(pauses).toEqual([30, 60, 120, 240])
})

test('what was under way when a peer was given a rest makes the rest no longer', () => {
  const scheduler = newScheduler('a', 'b')
  scheduler.setSlots('b', 5)
  const ofB = scheduler.assign(0, (peer) => peer === 'b')
  expect(ofB).toHaveLength(5)
  const fail = (assignment: Assignment<Piece>) => scheduler.failed(assignment, 'failed', 0)
  // Each slot of its own has not failed three times yet.
  expect(ofB.map(fail)).toEqual(Array(5).fill('again'))
  for (const now of [10, 20])
    for (const again of scheduler.assign(now, (peer) => peer === 'b')) scheduler.failed(again, 'failed', now)
  const begun = scheduler.assign(49, (peer) => peer === 'b').filter(({ peer }) => peer === 'b')
  expect(begun).toEqual([])
  expect(scheduler.assign(51, (peer) => peer === 'b').some(({ peer }) => peer === 'b')).toBe(true)
})

test('what has failed once is the rescuer’s where all others rest', () => {
  const scheduler = newScheduler('a')
  scheduler.addPeer('b', 1, 100)
  const mayWork = (peer: string) => peer !== 'rescuer'
  const seen: string[] = []
  for (let now = 0; now < 20; now++) {
    for (const assignment of scheduler.assign(now, mayWork)) {
      seen.push(`${assignment.peer}`)
      if (assignment.peer === 'rescuer') scheduler.verified(assignment, now)
      else scheduler.failed(assignment, 'failed', now)
    }
  }
  expect(seen.filter((peer) => peer !== 'rescuer')).toHaveLength(6)
  // All that they had begun is there.
  expect(scheduler.done.length).toBeGreaterThan(0)
  expect(seen.filter((peer) => peer === 'rescuer')).toHaveLength(scheduler.done.length)
})

test('a peer that succeeds after its rest is as good as new', () => {
  const scheduler = newScheduler('a', 'b')
  let failures = 0
  const { consequences } = play(scheduler, ({ peer }) =>
    peer === 'a' && failures++ < 3 ? 'failed' : 'verified',
  )
  expect(consequences).toEqual(['again', 'again', 'rest'])
})
