import { expect, test } from 'vitest'
import { Backlog } from '../../src/node/coordinator/backlog.ts'
import { SegmentPlan } from '../../src/node/coordinator/plan.ts'
import { makeIndex, makePlan } from '../helpers/frame-index.ts'

const backlogOf = (frames: number) =>
  new Backlog(new SegmentPlan(makePlan(makeIndex({ frames })), { atKeyframes: false }))

test('is empty when all is carved and nothing has come back', () => {
  const backlog = backlogOf(10)
  expect(backlog.isEmpty).toBe(false)
  const pending = backlog.carve(10)
  expect(pending?.task.frames).toBe(10)
  expect(backlog.isEmpty).toBe(true)
  if (pending !== undefined) backlog.giveBack(pending)
  expect(backlog.isEmpty).toBe(false)
  expect(backlog.takeReturned('a', ['a'])).toBe(pending)
  expect(backlog.isEmpty).toBe(true)
})

test('gives a task to a peer that failed at it only when all have', () => {
  const backlog = backlogOf(20)
  const [first, second] = [backlog.carve(10), backlog.carve(10)]
  if (first === undefined || second === undefined) throw new Error('nothing was carved')
  const hard = { ...first, attempts: 1, failed: new Set(['a']) }
  backlog.giveBack(hard)
  expect(backlog.takeReturned('a', ['a', 'b'])).toBeUndefined()
  backlog.giveBack(second)
  expect(backlog.takeReturned('a', ['a', 'b'])).toBe(second)
  expect(backlog.takeReturned('a', ['a'])).toBe(hard)
})
