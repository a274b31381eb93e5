/** Several coordinators want the slots of one worker. */
import { expect, test } from 'vitest'
import { FairShare } from '../../src/node/worker/fair-share.ts'

const TASK_SECONDS = 10

/** Coordinators that ask for every slot they have not got, each second; each from its own second on. */
function play(slots: number, coordinators: Readonly<Record<string, number>>, seconds: number) {
  const share = new FairShare(() => slots)
  const ends: { coordinator: string; at: number }[] = []
  const served: Record<string, number> = {}
  let idle = 0
  for (let now = 0; now < seconds; now++) {
    for (const task of ends.splice(0)) {
      if (task.at > now) ends.push(task)
      else share.end(task.coordinator, now)
    }
    // Whoever asks first has no advantage: they take turns at it.
    const order = Object.keys(coordinators).sort(() => (now % 2 === 0 ? 1 : -1))
    for (const coordinator of order) {
      if (now < (coordinators[coordinator] ?? 0)) continue
      const own = ends.filter((task) => task.coordinator === coordinator).length
      for (let slot = own; slot < slots; slot++) {
        if (ends.length >= slots || !share.admits(coordinator, now)) {
          share.admits(coordinator, now)
          break
        }
        share.begin(coordinator, now)
        ends.push({ coordinator, at: now + TASK_SECONDS })
      }
    }
    for (const { coordinator } of ends) served[coordinator] = (served[coordinator] ?? 0) + 1
    idle += slots - ends.length
  }
  return { served, idle: idle / (slots * seconds) }
}

test('one alone has all of it', () => {
  expect(play(2, { only: 0 }, 600).idle).toBeLessThan(0.02)
})

test.each([1, 2, 4])('with %d slots, two have the same share, whoever came first', (slots) => {
  const { served, idle } = play(slots, { first: 0, second: 100 }, 2_000)
  const together = 1_900 * slots
  expect((served.second ?? 0) / together).toBeGreaterThan(0.42)
  expect((served.second ?? 0) / together).toBeLessThan(0.56)
  expect(idle).toBeLessThan(0.12)
})

test('three share one slot', () => {
  const { served } = play(1, { first: 0, second: 0, third: 0 }, 3_000)
  for (const name of ['first', 'second', 'third']) {
    expect((served[name] ?? 0) / 3_000).toBeGreaterThan(0.25)
  }
})

test('one that asks no more is not waited for long', () => {
  const share = new FairShare(() => 1)
  share.begin('busy', 0)
  expect(share.admits('gone', 5)).toBe(false)
  share.end('busy', 6)
  expect(share.admits('busy', 6)).toBe(false)
  expect(share.admits('busy', 10)).toBe(true)
})

test('the task after one that is nearly done is taken, unless someone else waits', () => {
  const share = new FairShare(() => 1)
  share.begin('first', 0)
  expect(share.admits('first', 9)).toBe(false)
  expect(share.admits('first', 9, 1)).toBe(true)
  expect(share.admits('second', 9)).toBe(false)
  expect(share.admits('first', 9.5, 1)).toBe(false)
  expect(share.serving).toEqual([['first', 1]])
})
