import { describe, expect, test } from 'vitest'
import { AnswerEnds } from '../../src/node/worker/answer-end.ts'

const KB = 1024
const SIZE = 2 ** 40
const nothingKnown = (offset: number) => offset

describe('an answer', () => {
  test('ends where what is needed does', () => {
    const ends = new AnswerEnds([1000, 5_000_000], nothingKnown)
    expect(ends.next(1000, SIZE)).toBe(5_000_000)
    expect(ends.next(4_999_999, SIZE)).toBe(5_000_000)
  })

  test('ends soon elsewhere, and later each time that it is asked to go on', () => {
    const ends = new AnswerEnds([1000, 5000], nothingKnown)
    const lengths: number[] = []
    for (let start = 5000; lengths.length < 5; ) {
      const end = ends.next(start, SIZE)
      lengths.push((end - start) / KB)
      start = end
    }
    expect(lengths).toEqual([64, 64, 128, 256, 512])
  })

  test('ends soon again behind a jump', () => {
    const ends = new AnswerEnds(undefined, nothingKnown)
    let start = 0
    for (let count = 0; count < 10; count++) start = ends.next(start, SIZE)
    expect(ends.next(7, SIZE)).toBe(7 + 64 * KB)
  })

  test('never ends behind what was asked for', () => {
    expect(new AnswerEnds([0, 5000], nothingKnown).next(10, 300)).toBe(300)
    expect(new AnswerEnds(undefined, nothingKnown).next(10, 11)).toBe(11)
  })

  test('goes as far as bytes are here already', () => {
    const ends = new AnswerEnds([0, 5000], (offset) => Math.max(offset, 1_000_000))
    const end = ends.next(0, SIZE)
    expect(end).toBe(1_000_000)
    // The next one goes on from there.
    expect(ends.next(end, SIZE)).toBe(1_000_000 + 64 * KB)
  })

  test('is never empty, whatever a coordinator says is needed', () => {
    for (const needed of [
      [0, 0],
      [500, 100],
      [100, 101],
      [SIZE, SIZE],
    ] as const) {
      const ends = new AnswerEnds(needed, nothingKnown)
      for (const start of [0, 99, 100, 101, SIZE - 1]) {
        expect(ends.next(start, SIZE)).toBeGreaterThan(start)
      }
    }
  })
})
