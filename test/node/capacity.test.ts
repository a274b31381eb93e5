/** How many segments at once, by what the encoders use. */
import { expect, test } from 'vitest'
import { Capacity } from '../../src/node/capacity.ts'

const MEGABYTE = 2 ** 20

interface World {
  readonly cores: number
  /** That one encoder keeps busy. */
  readonly one: number
  readonly slots?: number
  readonly isFixed?: boolean
  /** Cores that it may use by then; undefined: all. */
  readonly quota?: (second: number) => number
  /** Cores that other programs use. */
  readonly others?: number
  /** Memory that one encoder takes, and what there is. */
  readonly megabytes?: number
  readonly free?: number
  /** Tasks that there are; undefined: as many as it takes. */
  readonly tasks?: number
}

/** A machine that gets a task for each slot at once, for as many seconds. @returns its slots after each */
function play(world: World, seconds: number): number[] {
  const { cores, one, others = 0, megabytes = 100, free = 10_000, tasks = Number.POSITIVE_INFINITY } = world
  let idle = 0
  const times = (second: number) => ({ others: 0, idle, total: second * cores, cores })
  const capacity = new Capacity({
    ...{ slots: world.slots ?? 1, isFixed: world.isFixed ?? false, times: times(0) },
  })
  const running: { cpuSeconds: number }[] = []
  const slots: number[] = []
  for (let second = 1; second <= seconds; second++) {
    while (running.length < Math.min(capacity.slots, tasks)) {
      const task = { cpuSeconds: 0 }
      running.push(task)
      capacity.begin(task, 'job', second - 1)
    }
    const mayUse = Math.min(cores - others, world.quota?.(second) ?? cores)
    const each = Math.min(one, mayUse / running.length)
    idle += cores - others - each * running.length
    for (const task of running) {
      task.cpuSeconds += each
      capacity.use(task, { cpuSeconds: task.cpuSeconds, rssBytes: megabytes * MEGABYTE }, second)
    }
    const bytes = (free - megabytes * running.length) * MEGABYTE
    capacity.look(times(second), bytes, world.quota?.(second) ?? cores, second)
    slots.push(capacity.slots)
  }
  return slots
}

test.each<[string, World, number]>([
  ['one that fills a core of two', { cores: 2, one: 1 }, 2],
  ['one that fills both', { cores: 2, one: 1.95 }, 1],
  ['one that leaves a quarter, which is no room for a second', { cores: 2, one: 1.5 }, 1],
  ['one that fills fourteen of sixty-four', { cores: 64, one: 14, slots: 1 }, 5],
  ['those that fill four of sixteen each', { cores: 16, one: 4, slots: 4 }, 4],
  ['some on a machine that others use', { cores: 8, one: 1, others: 6 }, 2],
  ['some in as much memory as is left', { cores: 8, one: 1, megabytes: 1000, free: 4100 }, 3],
  ['one, as the user said', { cores: 8, one: 1, isFixed: true }, 1],
  ['one, where a control group lets it have a tenth of a core', { cores: 8, one: 1, quota: () => 0.1 }, 1],
  ['one more than there is work for', { cores: 8, one: 1, tasks: 3 }, 4],
])('%s', (_, world, slots) => {
  expect(play(world, 120).at(-1)).toBe(slots)
})

test('it takes a few seconds to be sure', () => {
  const slots = play({ cores: 4, one: 1 }, 30)
  expect(slots.indexOf(2)).toBeGreaterThanOrEqual(2)
  expect(slots.indexOf(4)).toBeLessThan(15)
})

test('another job begins as the first did', () => {
  const capacity = new Capacity({
    ...{ slots: 1, isFixed: false },
    times: { others: 0, idle: 0, total: 0, cores: 2 },
  })
  const task = {}
  capacity.begin(task, 'first', 0)
  capacity.use(task, { cpuSeconds: 1, rssBytes: 1 }, 1)
  capacity.use(task, { cpuSeconds: 4, rssBytes: 1 }, 4)
  capacity.look({ others: 0, idle: 4, total: 8, cores: 2 }, 100, 2, 4)
  expect(capacity.slots).toBe(2)
  capacity.end(task)
  capacity.begin(task, 'first', 5)
  expect(capacity.slots).toBe(2)
  capacity.end(task)
  capacity.begin(task, 'second', 6)
  expect(capacity.slots).toBe(1)
})

test('one that waits for bytes leaves no room for another', () => {
  const capacity = new Capacity({
    slots: 1,
    isFixed: false,
    times: { others: 0, idle: 0, total: 0, cores: 2 },
  })
  const task = {}
  capacity.begin(task, 'job', 0)
  for (let second = 1; second < 30; second++) {
    capacity.use(task, { cpuSeconds: second / 10, rssBytes: 1 }, second)
    capacity.starve(task)
    capacity.look({ others: 0, idle: second * 1.9, total: second * 2, cores: 2 }, 1e9, 2, second)
  }
  expect(capacity.slots).toBe(1)
})
