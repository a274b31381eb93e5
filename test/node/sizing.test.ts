import { describe, expect, test } from 'vitest'
import {
  FRAMES_PER_SECOND_MIN,
  framesForSlot,
  type SchedulePolicy,
  SEGMENT_SECONDS_MAX,
  SEGMENT_SECONDS_MIN,
  type SlotView,
  updateRate,
} from '../../src/node/scheduler/sizing.ts'
import { seededRandom } from '../helpers/random.ts'

const FPS = 25
const adaptive: SchedulePolicy = {
  totalFrames: 10_000,
  framesPerSecond: FPS,
  segmentSeconds: undefined,
  benchmarkSeconds: 5,
}
const unmeasured: SchedulePolicy = { ...adaptive, benchmarkSeconds: undefined }

const idle = (rate?: number): SlotView => ({ rate, pendingFrames: 0 })
const busy = (rate: number | undefined, pendingFrames: number): SlotView => ({ rate, pendingFrames })

describe('an idle slot', () => {
  test('gets nothing when nothing is left', () => {
    expect(framesForSlot(idle(10), [], 0, adaptive)).toBe(0)
  })

  test('never gets more than is left', () => {
    expect(framesForSlot(idle(10), [], 7, adaptive)).toBe(7)
    expect(framesForSlot(idle(), [], 7, adaptive)).toBe(7)
    expect(framesForSlot(idle(10), [idle(1)], 7, { ...adaptive, segmentSeconds: 30 })).toBe(7)
  })

  test('gets segments of the length that is asked for', () => {
    const policy = { ...adaptive, segmentSeconds: 4 }
    expect(framesForSlot(idle(10), [idle(100)], 10_000, policy)).toBe(100)
    expect(framesForSlot(idle(), [], 10_000, { ...policy, segmentSeconds: 0.001 })).toBe(1)
  })

  test('is measured first, by as much of the film as is asked for', () => {
    expect(framesForSlot(idle(), [idle()], 100_000, adaptive)).toBe(5 * FPS)
  })

  test('is measured by less where the film is short and the slots are many', () => {
    const film = { ...adaptive, totalFrames: 30 * FPS }
    expect(framesForSlot(idle(), Array(9).fill(idle()), 30 * FPS, film)).toBe(SEGMENT_SECONDS_MIN * FPS)
  })

  test('gets a part of its share: large pieces first, smaller ones towards the end', () => {
    const others = [busy(10, 0)]
    const sizes = [3000, 2000, 1000, 600, 250].map((left) => framesForSlot(idle(10), others, left, adaptive))
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
    expect(sizes[0]).toBe(825)
    expect(new Set(sizes).size).toBe(sizes.length)
  })

  test('gets pieces in proportion to its rate', () => {
    const fast = framesForSlot(idle(30), [busy(10, 0)], 3000, adaptive)
    const slow = framesForSlot(idle(10), [busy(30, 0)], 3000, adaptive)
    expect(fast / slow).toBeCloseTo(3, 1)
  })

  test('gets no piece that is longer or shorter than makes sense', () => {
    expect(framesForSlot(idle(100), [], 10_000_000, adaptive)).toBe(SEGMENT_SECONDS_MAX * FPS)
    expect(framesForSlot(idle(100), [busy(100, 1000)], 60, adaptive)).toBeGreaterThanOrEqual(
      SEGMENT_SECONDS_MIN * FPS,
    )
  })

  test('gets pieces at the end that are the longer the longer the film is', () => {
    const tail = (totalFrames: number) =>
      framesForSlot(idle(10), [busy(10, 10)], 100, { ...adaptive, totalFrames })
    expect([40, 60, 72, 7200].map((seconds) => tail(seconds * FPS))).toEqual([55, 63, 100, 100])
  })

  test('takes a rest along that is too short for a piece of its own, and no longer one', () => {
    const measured = { ...adaptive, totalFrames: 24 * FPS }
    expect(framesForSlot(idle(10), [busy(10, 40)], 60, measured)).toBe(60)
    expect(framesForSlot(idle(10), [busy(10, 30)], 90, measured)).toBe(60)
    const fixed = { ...adaptive, segmentSeconds: 4 }
    expect(framesForSlot(idle(10), [], 4 * FPS + 24, fixed)).toBe(4 * FPS + 24)
    expect(framesForSlot(idle(10), [], 4 * FPS + 25, fixed)).toBe(4 * FPS)
  })

  test('gets as many frames of a film with few a second as of others, unless a length is asked for', () => {
    const slow = { ...adaptive, framesPerSecond: 1 }
    const usual = { ...adaptive, framesPerSecond: FRAMES_PER_SECOND_MIN }
    for (const left of [30, 100, 1000, 100_000]) {
      for (const slot of [idle(), idle(10)]) {
        const frames = framesForSlot(slot, [busy(10, 20)], left, slow)
        expect(frames).toBe(framesForSlot(slot, [busy(10, 20)], left, usual))
      }
    }
    expect(framesForSlot(idle(10), [], 1000, { ...slow, segmentSeconds: 4 })).toBe(4)
  })

  test('gets nothing at the end when it is so slow that the others are done long before it', () => {
    expect(framesForSlot(idle(1), [busy(100, 50)], 200, adaptive)).toBe(0)
    expect(framesForSlot(idle(100), [busy(1, 50)], 200, adaptive)).toBeGreaterThan(0)
  })

  test('gets something however slow it is while there is much left', () => {
    expect(framesForSlot(idle(1), [busy(100, 50)], 100_000, adaptive)).toBeGreaterThan(0)
  })

  test('gets the rest however slow it is when nobody else is there', () => {
    expect(framesForSlot(idle(0.01), [], 60, adaptive)).toBe(60)
  })

  test.each([1, 2, 3, 4, 8, 64])(
    'of %d that are alike gets something: not all wait for each other',
    (slots) => {
      for (const left of [1, 10, 49, 51, 75, 200, 5000]) {
        const others = Array(slots - 1).fill(idle(10))
        expect(framesForSlot(idle(10), others, left, adaptive)).toBeGreaterThan(0)
        expect(framesForSlot(idle(), Array(slots - 1).fill(idle()), left, unmeasured)).toBeGreaterThan(0)
      }
    },
  )
})

describe('a rate', () => {
  test('begins with the first task', () => {
    expect(updateRate(undefined, 100, 4)).toBe(25)
  })

  test('follows what was last, not all at once', () => {
    const rate = updateRate(10, 100, 5)
    expect(rate).toBeGreaterThan(10)
    expect(rate).toBeLessThan(20)
    expect(updateRate(rate, 100, 5)).toBeGreaterThan(rate)
  })

  test('stays finite for a task that took no time', () => {
    expect(updateRate(undefined, 100, 0)).toBeLessThan(Number.POSITIVE_INFINITY)
  })
})

describe('a whole job in simulated time', () => {
  test.each(Array.from({ length: 60 }, (_, seed) => seed))(
    'is handed out to the last frame and ends soon after the ideal (seed %d)',
    (seed) => {
      const random = seededRandom(seed)
      const rates = Array.from({ length: 1 + Math.floor(random() * 9) }, () => 2 + random() ** 3 * 200)
      const frames = Math.ceil(random() * 60_000)
      const policy = random() < 0.5 ? adaptive : unmeasured
      const { encoded, seconds } = simulate(rates, frames, policy)
      expect(encoded).toBe(frames)

      const totalRate = rates.reduce((sum, rate) => sum + rate, 0)
      // What nobody can know is how slow a slot is before its first task, which is at most a benchmark or a longest one.
      const first = policy === adaptive ? 5 * FPS : SEGMENT_SECONDS_MAX * FPS
      const worstFirst = Math.min(frames, first) / Math.min(...rates)
      const piece = (SEGMENT_SECONDS_MIN * FPS) / Math.max(...rates)
      expect(seconds).toBeLessThan(Math.max(worstFirst, 1.35 * (frames / totalRate)) + 4 * piece)
    },
  )
})

/** Runs slots of true rates through a job, without a network or a real encoder. */
function simulate(
  rates: readonly number[],
  frames: number,
  policy: SchedulePolicy,
): { encoded: number; seconds: number } {
  interface Slot {
    readonly trueRate: number
    rate: number | undefined
    began: number
    task: number
  }
  const slots: Slot[] = rates.map((trueRate) => ({ trueRate, rate: undefined, began: 0, task: 0 }))
  let now = 0
  let left = frames
  let encoded = 0
  const endOf = ({ began, task, trueRate }: Slot) => began + task / trueRate
  const viewOf = (slot: Slot): SlotView => ({
    rate: slot.rate,
    pendingFrames: slot.task === 0 ? 0 : Math.max(0, slot.task - (now - slot.began) * slot.trueRate),
  })
  for (;;) {
    for (const slot of slots) {
      if (slot.task > 0) continue
      const others = slots.filter((other) => other !== slot).map(viewOf)
      slot.task = framesForSlot(viewOf(slot), others, left, policy)
      slot.began = now
      left -= slot.task
    }
    const [next] = slots.filter(({ task }) => task > 0).sort((a, b) => endOf(a) - endOf(b))
    if (next === undefined) return { encoded, seconds: now }
    const seconds = endOf(next) - next.began
    now = endOf(next)
    encoded += next.task
    next.rate = updateRate(next.rate, next.task, seconds)
    next.task = 0
  }
}
