/** Pieces of a live film, and who makes them in time; played in virtual time. */
import { describe, expect, test } from 'vitest'
import { DeadlineScheduler, type LiveAttempt } from '../../src/node/live/deadlines.ts'

interface World {
  /** Frames a second by peer, with the usual params. */
  readonly rates: Readonly<Record<string, number>>
  readonly delay: number
  readonly pieces: number
  readonly hasFallback?: boolean
  readonly slots?: number
  /** Peers that die at a second. */
  readonly deaths?: Readonly<Record<string, number>>
  readonly rescuer?: number
}

const FRAMES = 60
const FALLBACK = 4
const STEP = 0.1

/** Pieces of two seconds of 30 frames each. */
function play({ rates, delay, pieces, hasFallback = false, deaths = {}, rescuer }: World) {
  const scheduler = new DeadlineScheduler({ hasFallback, framesPerSecond: 30 })
  for (const peer of Object.keys(rates)) scheduler.addPeer(peer, 1)
  if (rescuer !== undefined) scheduler.addPeer('here', 1, { isRescuer: true })
  const all: Readonly<Record<string, number>> = {
    ...rates,
    ...(rescuer === undefined ? {} : { here: rescuer }),
  }
  const running = new Map<LiveAttempt, number>()
  const made: { index: number; at: number; attempt: LiveAttempt }[] = []
  const late: number[] = []
  let begun = 0
  for (let step = 0; step * STEP < pieces * 2 + delay + 20; step++) {
    const now = step * STEP
    if (step % 20 === 0 && step / 20 < pieces) {
      scheduler.arrive({ index: step / 20, frames: FRAMES, deadline: now + delay })
    }
    for (const [peer, at] of Object.entries(deaths)) {
      if (Math.abs(now - at) < STEP / 2)
        for (const attempt of scheduler.removePeer(peer)) running.delete(attempt)
    }
    for (const [attempt, frames] of [...running]) {
      const rate = (all[attempt.peer] ?? 0) * (attempt.isFallback ? FALLBACK : 1)
      const done = frames + rate * STEP
      running.set(attempt, done)
      scheduler.progress(attempt, Math.floor(done))
      if (done < attempt.piece.frames) continue
      running.delete(attempt)
      scheduler.encoded(attempt, now)
      const needless = scheduler.verified(attempt)
      if (needless === undefined) continue
      for (const other of needless) running.delete(other)
      made.push({ index: attempt.piece.index, at: now, attempt })
    }
    for (const index of scheduler.late(now)) {
      for (const attempt of scheduler.drop(index)) running.delete(attempt)
      late.push(index)
    }
    for (const attempt of scheduler.assign(now)) {
      running.set(attempt, 0)
      begun++
    }
  }
  return { made, late, begun, inNeed: made.filter(({ attempt }) => attempt.isFallback).length }
}

describe('pieces are there in time', () => {
  test('with two nodes neither of which could do it alone', () => {
    const { late, made, begun } = play({ rates: { a: 20, b: 22 }, delay: 20, pieces: 60 })
    expect(late).toEqual([])
    expect(made).toHaveLength(60)
    // Nothing is made twice without need.
    expect(begun).toBeLessThan(64)
  })

  test('with unequal ones, the slow one too', () => {
    const { late, made } = play({ rates: { fast: 27, slow: 8 }, delay: 25, pieces: 60 })
    expect(late).toEqual([])
    expect(made.filter(({ attempt }) => attempt.peer === 'slow').length).toBeGreaterThan(2)
  })

  test('when one of three dies', () => {
    const { late } = play({ rates: { a: 20, b: 20, c: 20 }, delay: 20, pieces: 60, deaths: { c: 41 } })
    expect(late).toEqual([])
  })
})

describe('where the nodes cannot keep up', () => {
  test('one alone loses pieces', () => {
    expect(play({ rates: { a: 20 }, delay: 20, pieces: 60 }).late.length).toBeGreaterThan(10)
  })

  test('faster params keep all in time, and the usual ones serve as long as they do', () => {
    const { late, inNeed, made } = play({ rates: { a: 20 }, delay: 20, pieces: 60, hasFallback: true })
    expect(late).toEqual([])
    expect(inNeed).toBeGreaterThan(5)
    expect(inNeed).toBeLessThan(made.length)
  })

  test('this node helps out, and only then', () => {
    const enough = play({ rates: { a: 25, b: 25 }, delay: 20, pieces: 40, rescuer: 40 })
    expect(enough.made.filter(({ attempt }) => attempt.peer === 'here')).toEqual([])
    const short = play({ rates: { a: 20 }, delay: 20, pieces: 60, rescuer: 40 })
    expect(short.late).toEqual([])
    expect(short.made.some(({ attempt }) => attempt.peer === 'here')).toBe(true)
  })
})

test('what is ended is what was begun', () => {
  const scheduler = new DeadlineScheduler({ hasFallback: false, framesPerSecond: 30 })
  scheduler.addPeer('a', 1)
  scheduler.arrive({ index: 0, frames: 60, deadline: 10 })
  const [first] = scheduler.assign(0)
  expect(scheduler.drop(0)[0]).toBe(first)
  scheduler.arrive({ index: 1, frames: 60, deadline: 20 })
  const [second] = scheduler.assign(1)
  expect(scheduler.removePeer('a')[0]).toBe(second)
})

test('who fails gets it last, and rests; what many fail at is given up', () => {
  const scheduler = new DeadlineScheduler({ hasFallback: false, framesPerSecond: 30 })
  scheduler.addPeer('a', 1)
  scheduler.addPeer('b', 1)
  scheduler.arrive({ index: 0, frames: 60, deadline: 1_000 })
  const peers: string[] = []
  for (let now = 0; now < 100 && scheduler.late(now).length === 0; now++) {
    for (const attempt of scheduler.assign(now)) {
      peers.push(attempt.peer)
      scheduler.failed(attempt, now)
    }
  }
  expect(peers).toHaveLength(5)
  expect(new Set(peers.slice(0, 2))).toEqual(new Set(['a', 'b']))
  expect(scheduler.late(100)).toEqual([0])
})
