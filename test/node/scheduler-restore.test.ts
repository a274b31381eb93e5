/** A job that goes on with some of its frames: the rest is shared out, each frame once. */
import { describe, expect, test } from 'vitest'
import { type Piece, Scheduler, type Stretch } from '../../src/node/scheduler/index.ts'
import { seededRandom } from '../helpers/random.ts'

const TOTAL = 1_000
const POLICY = { totalFrames: TOTAL, framesPerSecond: 25, segmentSeconds: undefined, benchmarkSeconds: 4 }
const carver = {
  totalFrames: TOTAL,
  unseenFrames: 0,
  carve: ({ first, end }: Stretch, frames: number) => ({ first, frames: Math.min(frames, end - first) }),
}

/** Plays the rest of the job with two peers of different speed. @returns all of its tasks, and those that were begun */
function play(restored: Piece[]) {
  const scheduler = new Scheduler<Piece>(carver, POLICY)
  scheduler.restore(restored)
  scheduler.addPeer('a', 1, 50)
  scheduler.addPeer('b', 2, 10)
  const begun: Piece[] = []
  for (let now = 0; !scheduler.isDone; now += 10) {
    if (now > 10_000) throw new Error('the job does not end')
    for (const assignment of scheduler.assign(now)) {
      begun.push(assignment.task)
      scheduler.encoded(assignment, assignment.task.frames / 50, now + 5)
      scheduler.verified(assignment, now + 5)
    }
  }
  return { done: scheduler.done, begun, framesDone: scheduler.framesDone }
}

function expectWhole(tasks: readonly Piece[]) {
  let next = 0
  for (const { first, frames } of tasks) {
    expect(first).toBe(next)
    next = first + frames
  }
  expect(next).toBe(TOTAL)
}

describe('a job with frames from before', () => {
  test.each([
    ['none', []],
    ['the first', [{ first: 0, frames: 100 }]],
    ['the last', [{ first: 900, frames: 100 }]],
    [
      'some between',
      [
        { first: 500, frames: 1 },
        { first: 200, frames: 100 },
        { first: 300, frames: 50 },
      ],
    ],
  ])('does the rest: %s', (_, restored) => {
    const { done, begun, framesDone } = play(restored)
    expectWhole(done)
    expect(framesDone).toBe(TOTAL)
    const again = begun.filter(({ first, frames }) =>
      restored.some((piece) => piece.first < first + frames && first < piece.first + piece.frames),
    )
    expect(again).toEqual([])
  })

  test('has nothing to do where all of them are there', () => {
    const { begun } = play([
      { first: 400, frames: 600 },
      { first: 0, frames: 400 },
    ])
    expect(begun).toEqual([])
  })

  test('does the rest, wherever the others stand', () => {
    const random = seededRandom(1)
    for (let round = 0; round < 200; round++) {
      const restored: Piece[] = []
      for (let first = 0; first < TOTAL; ) {
        const frames = Math.min(TOTAL - first, 1 + Math.floor(random() * 120))
        if (random() < 0.5) restored.push({ first, frames })
        first += frames
      }
      expectWhole(play(restored).done)
    }
  })
})
