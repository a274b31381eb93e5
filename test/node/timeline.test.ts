/** What a job's events tell of its work: who did what when, and how well the nodes were used. */
import { describe, expect, test } from 'vitest'
import { efficiencyOf } from '../../src/node/coordinator/efficiency.ts'
import type { JobEvent, SegmentChanged } from '../../src/node/coordinator/events.ts'
import { Timeline } from '../../src/node/coordinator/timeline.ts'

const JOB: JobEvent = {
  event: 'job',
  ...{ job: 'a', input: 'i', output: 'o', params: '', encoder: 'libx264', frames: 300 },
  ...{ seconds: 12, timeBase: '1/25', coordinator: 'x' },
}

/** A timeline that is told these, each at its second. */
function play(...told: readonly [number, JobEvent][]): Timeline {
  let now = 0
  const timeline = new Timeline(() => now)
  for (const [seconds, event] of told) {
    now = seconds * 1000
    timeline.take(event)
  }
  return timeline
}

function segment(
  index: number,
  peer: string,
  state: SegmentChanged['state'],
  more: Partial<SegmentChanged> = {},
): SegmentChanged {
  return {
    ...{ event: 'segment', index, peer, state, startPts: 0, endPts: 0, timeBase: '1/25', attempt: 1 },
    ...{ first: index * 100, frames: 100, ...more },
  }
}

test('tells of each attempt when it was given, begun, encoded and ended, and how', () => {
  const timeline = play(
    [0, { event: 'phase', phase: 'probing' }],
    [1, JOB],
    [1, { event: 'phase', phase: 'encoding' }],
    [1, segment(0, 'a', 'assigned')],
    [2, segment(0, 'a', 'encoding')],
    [2, segment(1, 'b', 'assigned')],
    [3, segment(1, 'b', 'failed', { code: 'REFUSED' })],
    [12, segment(0, 'a', 'encoded')],
    [13, segment(0, 'a', 'verified')],
    [14, segment(1, 'a', 'assigned', { attempt: 2 })],
    [20, { event: 'warning', message: 'on the way' }],
  )
  const work = timeline.work()
  expect(work.wallSeconds).toBe(20)
  expect(work.phases).toEqual([
    { phase: 'probing', began: 0, ended: 1 },
    { phase: 'encoding', began: 1, ended: 20 },
  ])
  const at = (index: number) => ({ index, first: index * 100, frames: 100 })
  expect(work.attempts).toEqual([
    {
      ...{ ...at(0), peer: 'a', attempt: 1, assigned: 1, encoding: 2, encoded: 12, ended: 13 },
      ...{ outcome: 'verified', code: null },
    },
    {
      ...{ ...at(1), peer: 'b', attempt: 1, assigned: 2, encoding: null, encoded: null, ended: 3 },
      ...{ outcome: 'failed', code: 'REFUSED' },
    },
    {
      ...{ ...at(1), peer: 'a', attempt: 2, assigned: 14, encoding: null, encoded: null, ended: null },
      ...{ outcome: null, code: null },
    },
  ])
  expect(work.peers).toMatchObject([
    { peer: 'a', slots: 1, frames: 100, framesPerSecond: 10 },
    { peer: 'b', slots: 0, frames: 0, framesPerSecond: null },
  ])
  expect(work.efficiency).toMatchObject({ best: 'a', boundSeconds: 10, ofSum: 0.5, speedup: 0.5 })
})

test('of a job that begins anew counts what is taken over, and nothing else', () => {
  const made = (index: number): [number, JobEvent][] => [
    [1, segment(index, 'a', 'assigned')],
    [1, segment(index, 'a', 'encoding')],
    [9, segment(index, 'a', 'encoded')],
    [9, segment(index, 'a', 'verified')],
  ]
  const timeline = play(
    [0, JOB],
    ...made(0),
    ...made(1),
    [9, segment(2, 'a', 'assigned')],
    [10, JOB],
    // The second of them, and one of a process before this.
    [
      10,
      {
        event: 'resumed',
        segments: 2,
        frames: 150,
        stretches: [
          [100, 200],
          [200, 250],
        ],
      },
    ],
  )
  const work = timeline.work()
  expect(work.framesBefore).toBe(50)
  expect(work.attempts.map(({ outcome }) => outcome)).toEqual(['needless', 'verified', 'needless'])
  expect(work.peers).toMatchObject([{ peer: 'a', frames: 100, slots: 2 }])
})

test('a job whose frames are counted meanwhile goes on as it was', () => {
  const timeline = play(
    [0, { ...JOB, isEstimate: true }],
    [1, segment(0, 'a', 'assigned')],
    [1, segment(0, 'a', 'encoding')],
    [2, segment(0, 'a', 'encoded')],
    [3, segment(0, 'a', 'verified')],
    [4, JOB],
  )
  expect(timeline.work().attempts).toMatchObject([{ outcome: 'verified' }])
})

test('a node that begins with the next segment before it is heard that one is encoded has one slot', () => {
  const timeline = play(
    [0, JOB],
    [0, segment(0, 'a', 'assigned')],
    [0, segment(0, 'a', 'encoding')],
    [1, segment(1, 'a', 'assigned')],
    [10, segment(1, 'a', 'encoding')],
    [11, segment(0, 'a', 'encoded')],
    [20, segment(1, 'a', 'encoded')],
  )
  expect(timeline.work().peers).toMatchObject([{ peer: 'a', slots: 1 }])
})

describe('efficiency', () => {
  test('is what all could have done by what was done', () => {
    const peers = [
      { peer: 'a', framesPerSecond: 30 },
      { peer: 'b', framesPerSecond: 10 },
      { peer: 'c', framesPerSecond: null },
    ]
    expect(efficiencyOf(peers, { frames: 400, seconds: 20 })).toEqual({
      ...{ boundSeconds: 10, ofSum: 0.5, best: 'a', bestSeconds: 400 / 30, speedup: 400 / 30 / 20 },
    })
  })

  test('of nothing is none', () => {
    expect(efficiencyOf([], { frames: 0, seconds: 1 })).toBeUndefined()
    expect(efficiencyOf([{ peer: 'a', framesPerSecond: 0 }], { frames: 5, seconds: 1 })).toBeUndefined()
  })
})
