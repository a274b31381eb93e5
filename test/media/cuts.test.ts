import { describe, expect, test } from 'vitest'
import { chooseCut, rangeOf, seekPlaces } from '../../src/media/cuts.ts'
import { makeIndex } from '../helpers/frame-index.ts'

describe('a cut', () => {
  const index = makeIndex({ frames: 200, gop: 25 })
  const cut = (first: number, wanted: number, { limit = 200, atKeyframes = true } = {}) =>
    chooseCut(atKeyframes ? index : undefined, first, wanted, limit)

  test('stands at a keyframe near the wanted place, before or after it', () => {
    expect(cut(0, 45)).toBe(50)
    expect(cut(0, 55)).toBe(50)
    expect(cut(0, 38)).toBe(50)
  })

  test('stands at the wanted place where no keyframe is within half', () => {
    expect(cut(3, 10)).toBe(13)
    expect(cut(26, 14)).toBe(40)
  })

  test('stands at the wanted place where keyframes are not asked for', () => {
    expect(cut(0, 45, { atKeyframes: false })).toBe(45)
  })

  test('never stands at or before its own beginning', () => {
    for (const wanted of [-5, 0, 0.2, 1]) expect(cut(50, wanted)).toBe(51)
  })

  test('stands at the wanted place where a keyframe near it would leave much less or more behind it', () => {
    expect(cut(0, 95)).toBe(100)
    expect(cut(0, 95, { limit: 150 })).toBe(100)
    expect(cut(0, 95, { limit: 109 })).toBe(95)
    expect(cut(100, 90)).toBe(190)
  })

  test('does not go beyond its limit', () => {
    expect(cut(100, 1000)).toBe(200)
    expect(cut(100, 1000, { limit: 120 })).toBe(120)
  })
})

describe('the times of a range', () => {
  const index = makeIndex({ frames: 10, step: 512, start: 1000 })

  test('are half-open in ticks', () => {
    expect(rangeOf(index, 2, 5)).toEqual({ startPts: 2024n, endPts: 3560n })
  })

  test('are open at both ends of the film', () => {
    expect(rangeOf(index, 0, 5)).toEqual({ startPts: undefined, endPts: 3560n })
    expect(rangeOf(index, 5, 10)).toEqual({ startPts: 3560n, endPts: undefined })
    expect(rangeOf(index, 0, 10)).toEqual({ startPts: undefined, endPts: undefined })
  })
})

describe('the places to start decoding from', () => {
  const closed = makeIndex({ frames: 500, gop: 25 })

  test('begin with the keyframe at the cut, then go back 1, 2, 4, 8 … GOPs, in the end to the start', () => {
    expect(seekPlaces(closed, 400)).toEqual([400n, 375n, 350n, 300n, 200n, undefined])
  })

  test('begin with the keyframe before a cut between keyframes', () => {
    expect(seekPlaces(closed, 410)[0]).toBe(400n)
    expect(seekPlaces(closed, 424)[0]).toBe(400n)
  })

  test('begin one GOP earlier where leading pictures refer back', () => {
    const open = makeIndex({ frames: 500, gop: 25, open: true })
    expect(seekPlaces(open, 400)[0]).toBe(375n)
    expect(seekPlaces(open, 410)[0]).toBe(375n)
  })

  test('are the start alone for the first segment, and where a seek cannot be aimed', () => {
    expect(seekPlaces(closed, 0)).toEqual([undefined])
    expect(seekPlaces(makeIndex({ frames: 500, seekable: false }), 400)).toEqual([undefined])
  })

  test('are the start alone within the first GOP', () => {
    expect(seekPlaces(closed, 10)).toEqual([undefined])
    expect(seekPlaces(makeIndex({ frames: 500, gop: 500 }), 400)).toEqual([undefined])
  })

  test('fit an offer however long the film is, and always end with the start', () => {
    const places = seekPlaces(makeIndex({ frames: 200_000, gop: 1 }), 199_999)
    expect(places.length).toBeLessThanOrEqual(16)
    expect(places.at(-1)).toBeUndefined()
    const times = places.slice(0, -1).map(Number)
    expect(times).toEqual([...times].sort((a, b) => b - a))
  })
})
