import { describe, expect, test } from 'vitest'
import { enoughBytes, forecastBytes, reservedBytes } from '../../src/node/coordinator/space.ts'

describe('room on a disk', () => {
  test.each([
    [{ bytes: 0, frames: 0 }, [100], 0],
    // What is there says 10 bytes a frame; half as much again is kept free.
    [{ bytes: 1000, frames: 100 }, [], 0],
    [{ bytes: 1000, frames: 100 }, [40], 15 * (40 + 40)],
    [{ bytes: 1000, frames: 100 }, [40, 60, 20], 15 * (120 + 60)],
  ])('is kept for what is under way, and for one more: %j, %j', (stored, underWay, bytes) => {
    expect(reservedBytes(stored, underWay)).toBe(bytes)
  })

  test.each([
    [{ bytes: 0, frames: 0 }, 1000, undefined],
    [{ bytes: 500, frames: 20 }, 1000, undefined],
    [{ bytes: 500, frames: 50 }, 1000, 10_000],
    // A film whose frames are still being counted.
    [{ bytes: 500, frames: 50 }, 0, 500],
  ])('for all of a film is foretold once enough of it is there: %j of %d frames', (stored, total, bytes) => {
    expect(forecastBytes(stored, total)).toBe(bytes)
  })

  test.each([
    // Nothing is known: some segments' room.
    [0, 1000, 64 * 2 ** 20],
    [5_000_000, 1000, 10_000_000],
    // What was free did not do, a quota's end for instance.
    [1000, 2 ** 30, 2 ** 30 + 1],
  ])(
    'on a full disk is enough when more is there than was: %d reserved, %d free',
    (reserved, free, bytes) => {
      expect(enoughBytes(reserved, free)).toBe(bytes)
    },
  )
})
