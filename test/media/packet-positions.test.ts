import { describe, expect, test } from 'vitest'
import { neededBytes, PositionSampler } from '../../src/media/packet-positions.ts'

/** Packets of 100 bytes behind a header of 1000, one a tick, a keyframe every `gop` of them; `order` shifts their times. */
function sample({ packets = 100, gop = 25, order = (at: number) => at } = {}) {
  const sampler = new PositionSampler()
  for (let at = 0; at < packets; at++) sampler.read(BigInt(order(at)), `${1000 + at * 100}`, at % gop === 0)
  return sampler.toPositions() ?? expect.fail('no positions')
}

describe('the bytes of a stretch', () => {
  test('begin with its keyframe and end some packets behind it', () => {
    const { start, end = 0 } = neededBytes(sample(), 25n, 50n)
    expect(start).toBe(1000 + 25 * 100)
    expect(end).toBeGreaterThan(1000 + 51 * 100)
    expect(end).toBeLessThan(1000 + 70 * 100)
  })

  test('are few behind a stretch that ends in the middle of a long group of pictures', () => {
    const { end = 0 } = neededBytes(sample({ packets: 1000, gop: 1000 }), undefined, 500n)
    expect(end).toBeGreaterThan(1000 + 501 * 100)
    expect(end).toBeLessThan(1000 + 520 * 100)
  })

  test('are the whole file where both ends are open', () => {
    expect(neededBytes(sample(), undefined, undefined)).toEqual({ start: 0, end: undefined })
  })

  test('go to the end of the file where nothing is known of what comes', () => {
    expect(neededBytes(sample(), 75n, 99n).end).toBeUndefined()
    expect(neededBytes(sample(), 75n, 1000n).end).toBeUndefined()
  })

  test('begin with the file where the keyframe is before all that is known', () => {
    expect(neededBytes(sample(), -5n, 10n).start).toBe(0)
  })

  test('are told alike where B-frames come late', () => {
    // Decode order of I P B B: 0 3 1 2, 4 7 5 6, …
    const order = (at: number) => at - (at % 4) + ([0, 3, 1, 2][at % 4] ?? 0)
    const { start, end = 0 } = neededBytes(sample({ gop: 20, order }), 40n, 60n)
    expect(start).toBe(1000 + 40 * 100)
    expect(end).toBeGreaterThan(1000 + 62 * 100)
    expect(end).toBeLessThan(1000 + 80 * 100)
  })
})

test('a demuxer that does not tell all positions tells none', () => {
  const sampler = new PositionSampler()
  sampler.read(0n, '0', true)
  sampler.read(1n, 'N/A', false)
  expect(sampler.toPositions()).toBeUndefined()
})
