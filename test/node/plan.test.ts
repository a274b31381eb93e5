import { describe, expect, test } from 'vitest'
import { ptsDigest, RUNS_MAX } from '../../src/media/index.ts'
import { SegmentPlan, type Task } from '../../src/node/coordinator/plan.ts'
import { makeIndex, makePlan } from '../helpers/frame-index.ts'
import { seededRandom } from '../helpers/random.ts'

function carveAll(plan: SegmentPlan, wanted: () => number): Task[] {
  const tasks: Task[] = []
  const end = plan.totalFrames
  for (let first = 0; first < end; ) {
    const task = plan.carve({ first, end }, wanted())
    tasks.push(task)
    first += task.frames
  }
  return tasks
}

describe('a film carved into tasks', () => {
  test.each(Array.from({ length: 40 }, (_, seed) => seed))(
    'has every frame in exactly one task, whatever lengths are asked for (seed %d)',
    (seed) => {
      const random = seededRandom(seed)
      const frames = 1 + Math.floor(random() * 700)
      const index = makeIndex({
        frames,
        gop: 1 + Math.floor(random() * 60),
        step: 1 + Math.floor(random() * 9),
        start: Math.floor(random() * 100) - 50,
        open: random() < 0.5,
      })
      const plan = new SegmentPlan(makePlan(index), { atKeyframes: random() < 0.5 })
      const longest = 1 + random() * frames
      const tasks = carveAll(plan, () => random() * longest - 1)

      const takenBy = Array.from(index.pts, (time) =>
        tasks
          .filter(
            ({ startPts, endPts }) =>
              (startPts === undefined || time >= startPts) && (endPts === undefined || time < endPts),
          )
          .map((task) => task.index),
      )
      expect(takenBy.every((takers) => takers.length === 1)).toBe(true)
      for (const { index: number, frames: count } of tasks) {
        expect(takenBy.filter(([taker]) => taker === number)).toHaveLength(count)
        expect(count).toBeGreaterThan(0)
      }
      expect(tasks.map((task) => task.index)).toEqual(tasks.map((_, place) => place))
      expect(tasks.flatMap(({ times }) => [...times])).toEqual(
        [...tasks.flatMap(({ times }) => [...times])].sort((a, b) => Number(a - b)),
      )
    },
  )

  test('can have a stretch of it carved once more, in other parts', () => {
    const plan = new SegmentPlan(makePlan(makeIndex({ frames: 100 })), { atKeyframes: true })
    const parts = [plan.carve({ first: 30, end: 80 }, 20), plan.carve({ first: 50, end: 80 }, 1000)]
    expect(parts.map(({ first, frames }) => [first, frames])).toEqual([
      [30, 20],
      [50, 30],
    ])
    expect(parts[1]?.lastPts).toBe(80n)
  })

  test('is told in no more runs of repeated frames than a worker takes', () => {
    const index = makeIndex({ frames: 4_000 })
    const from = makePlan(index).film
    // Every second frame twice: each is a run of its own.
    const places = Int32Array.from({ length: 6_000 }, (_, at) => Math.floor((at + Math.floor(at / 3)) / 2))
    const pts = BigInt64Array.from(places, (_, at) => BigInt(at))
    const film = { ...from, pts, untrimmed: pts, from, places, isConstant: true }
    const plan = new SegmentPlan({ ...makePlan(index), film, synced: film }, { atKeyframes: false })
    const tasks = carveAll(plan, () => 6_000)
    expect(tasks.map(({ frames }) => frames).reduce((sum, frames) => sum + frames, 0)).toBe(6_000)
    expect(tasks.map(({ retiming }) => retiming?.runs.length ?? 0).filter((runs) => runs > RUNS_MAX)).toEqual(
      [],
    )
    expect(tasks.length).toBeLessThan(5)
  })
})

describe('a task', () => {
  const plan = new SegmentPlan(makePlan(makeIndex({ frames: 100 })), { atKeyframes: false })
  const [first, second] = carveAll(plan, () => 50)

  test('names the times of its first frame and of the one behind its last', () => {
    expect([first?.firstPts, first?.lastPts]).toEqual([0n, 50n])
    expect([second?.firstPts, second?.lastPts]).toEqual([50n, 100n])
  })

  test('expects its frames at their places in the film, 1001 s on, on the segment’s own scale', () => {
    // 25 doubled until it is at least 10,000.
    const scale = 12_800n
    expect(first?.times[0]).toBe(1001n * scale)
    expect(second?.times[0]).toBe(1001n * scale + 50n * 512n)
    expect(second?.times).toHaveLength(50)
  })

  test('carries a digest that another machine can compare', () => {
    expect(second?.expected).toEqual({
      frames: 50,
      ptsDigest: ptsDigest(second?.times ?? new BigInt64Array()),
    })
    expect(second?.expected.ptsDigest).toMatch(/^[0-9a-f]{64}$/)
    expect(second?.expected.ptsDigest).not.toBe(first?.expected.ptsDigest)
  })
})
