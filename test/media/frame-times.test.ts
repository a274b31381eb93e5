import { describe, expect, test } from 'vitest'
import { parseFrameLine, parseTimeBaseLine } from '../../src/media/frame-times.ts'

describe('what ffmpeg lists of frames', () => {
  test.each([
    ['0,         12,         -3,        1,   152064, 0x1c1e8b0d', 0, -3n, 1n, 152_064, '0x1c1e8b0d'],
    [
      '1,          0,          0,     1024,      418, 0x9d4bd6c1, S=1,       10',
      1,
      0n,
      1024n,
      418,
      '0x9d4bd6c1',
    ],
    ['0, 7, 9007199254740993, 1, 6144, ebafd87a', 0, 9_007_199_254_740_993n, 1n, 6144, 'ebafd87a'],
  ])('%s', (line, stream, pts, duration, sizeBytes, checksum) => {
    expect(parseFrameLine(line)).toEqual({ stream, pts, duration, sizeBytes, checksum })
    expect(parseTimeBaseLine(line)).toBeUndefined()
  })

  test.each(['#format: frame checksums', '#tb 1: 1/48000', '#stream#, dts, pts, duration, size, hash', ''])(
    'but not "%s"',
    (line) => {
      expect(parseFrameLine(line)).toBeUndefined()
    },
  )

  test('their ticks stand above them', () => {
    expect(parseTimeBaseLine('#tb 1: 1001/30000')).toEqual({
      stream: 1,
      timeBase: { num: 1001, den: 30_000 },
    })
  })
})
