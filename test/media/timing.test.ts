import { describe, expect, test } from 'vitest'
import type { VideoStream } from '../../src/media/probe.ts'
import type { Rational } from '../../src/media/rational.ts'
import {
  chooseEncoderTimeBase,
  findClockJump,
  keepDistances,
  toEncoderPts,
  toOutputTimes,
} from '../../src/media/timing.ts'
import { makeIndex } from '../helpers/frame-index.ts'

function video(rates: { real?: Rational; average?: Rational; timeBase?: Rational }): VideoStream {
  return {
    index: 0,
    kind: 'video',
    codec: 'h264',
    timeBase: rates.timeBase ?? { num: 1, den: 1000 },
    dispositions: [],
    language: undefined,
    width: 320,
    height: 180,
    pixelFormat: 'yuv420p',
    realFrameRate: rates.real,
    averageFrameRate: rates.average,
  }
}

const withTimes = (times: readonly number[]) => ({
  ...makeIndex({ frames: 1 }),
  pts: BigInt64Array.from(times, BigInt),
})

describe('the time of a frame in the encoder', () => {
  const toFilmFrames = (pts: bigint, zeroMicroseconds = 0n) =>
    toEncoderPts(pts, {
      source: { num: 1, den: 1000 },
      encoder: { num: 1001, den: 24_000 },
      zeroMicroseconds,
      startMicroseconds: 0n,
    })

  test('is its number, however Matroska rounded it to milliseconds', () => {
    const milliseconds = [0n, 42n, 83n, 125n, 167n, 209n, 250n]
    expect(milliseconds.map((time) => toFilmFrames(time))).toEqual([0n, 1n, 2n, 3n, 4n, 5n, 6n])
  })

  test('counts from the zero point', () => {
    expect(toFilmFrames(1_042n, 1_000_000n)).toBe(1n)
    expect(toFilmFrames(0n, 42_000n)).toBe(-1n)
  })

  test('lies away from zero when it is just between two', () => {
    const halves = {
      source: { num: 1, den: 50 },
      encoder: { num: 1, den: 25 },
      zeroMicroseconds: 0n,
      startMicroseconds: 0n,
    }
    expect([-3n, -1n, 1n, 3n].map((pts) => toEncoderPts(pts, halves))).toEqual([-2n, -1n, 1n, 2n])
  })

  test('is the source’s own where the time bases are the same', () => {
    const timeBase = { num: 1, den: 90_000 }
    const timing = { source: timeBase, encoder: timeBase, zeroMicroseconds: 0n, startMicroseconds: 0n }
    for (const pts of [0n, 1n, 8_589_934_591n, -3003n]) expect(toEncoderPts(pts, timing)).toBe(pts)
  })

  test('becomes the output’s ticks', () => {
    const timing = {
      source: { num: 1, den: 1000 },
      encoder: { num: 1, den: 25 },
      zeroMicroseconds: 40_000n,
      startMicroseconds: 0n,
    }
    const times = toOutputTimes(BigInt64Array.from([40n, 80n, 160n]), timing, { num: 1, den: 12_800 })
    expect([...times]).toEqual([0n, 512n, 1536n])
  })
})

describe('the encoder’s time base', () => {
  const rate25 = { num: 25, den: 1 }

  test('is one frame of a constant rate', () => {
    expect(
      chooseEncoderTimeBase(video({ real: rate25, average: rate25 }), withTimes([0, 40, 80, 120])),
    ).toEqual({
      num: 1,
      den: 25,
    })
  })

  test('is one frame where the container rounded the times', () => {
    const film = { num: 24_000, den: 1001 }
    expect(
      chooseEncoderTimeBase(video({ real: film, average: film }), withTimes([0, 42, 83, 125, 167])),
    ).toEqual({
      num: 1001,
      den: 24_000,
    })
  })

  test('is one frame where a constant rate is declared and frames are missing', () => {
    expect(chooseEncoderTimeBase(video({ real: rate25, average: rate25 }), withTimes([0, 40, 160]))).toEqual({
      num: 1,
      den: 25,
    })
  })

  test('is the source’s where frames are missing from a rate that nobody declares', () => {
    const average = { num: 50, den: 3 }
    expect(chooseEncoderTimeBase(video({ real: rate25, average }), withTimes([0, 40, 160]))).toEqual({
      num: 1,
      den: 1000,
    })
  })

  test('is the source’s where a frame is beside the grid', () => {
    expect(
      chooseEncoderTimeBase(video({ real: rate25, average: rate25 }), withTimes([0, 40, 90, 120])),
    ).toEqual({
      num: 1,
      den: 1000,
    })
  })

  test('is the source’s where two frames would fall on one point', () => {
    const slow = { num: 1, den: 1 }
    const timeBase = { num: 1, den: 1 }
    expect(
      chooseEncoderTimeBase(video({ real: slow, average: slow, timeBase }), withTimes([0, 1, 1, 2])),
    ).toEqual(timeBase)
  })

  test('is the source’s where there is no rate, and no frame', () => {
    expect(chooseEncoderTimeBase(video({}), withTimes([0, 40]))).toEqual({ num: 1, den: 1000 })
    expect(chooseEncoderTimeBase(video({ real: rate25 }), withTimes([]))).toEqual({ num: 1, den: 1000 })
  })
})

describe('a grid that the first frame stands half way beside', () => {
  const source = { num: 1, den: 1000 }
  const timing = (startMicroseconds: bigint) => ({
    ...{ source, encoder: { num: 1001, den: 24_000 } },
    ...{ zeroMicroseconds: 0n, startMicroseconds },
  })
  // 23.976 frames a second in whole milliseconds.
  const { pts } = withTimes([0, 42, 83, 125, 167, 209, 250])

  test('is left for the source’s time base, where rounding would go either way', () => {
    expect(keepDistances(timing(62_563n), pts).encoder).toEqual(source)
  })

  test('is kept where it does not', () => {
    expect(keepDistances(timing(0n), pts).encoder).toEqual({ num: 1001, den: 24_000 })
    expect(keepDistances(timing(50_000n), pts).encoder).toEqual({ num: 1001, den: 24_000 })
  })

  test('is kept where all frames stand just between two points', () => {
    const halves = { source: { num: 1, den: 50 }, encoder: { num: 1, den: 25 } }
    const start = { zeroMicroseconds: 0n, startMicroseconds: 0n }
    expect(keepDistances({ ...halves, ...start }, withTimes([1, 3, 5]).pts).encoder).toEqual(halves.encoder)
  })
})

describe('a clock that jumps', () => {
  const at = (...seconds: number[]) => ({
    ...withTimes(seconds.map((time) => time * 90_000)),
    timeBase: { num: 1, den: 90_000 },
  })

  test('is found where a transport or program stream leaps by more than ten seconds', () => {
    expect(findClockJump('mpegts', at(100, 101, 102, 113))).toBe(13)
    expect(findClockJump('mpeg', at(0, 20))).toBe(20)
  })

  test('is found where a time comes twice', () => {
    expect(findClockJump('mpegts', at(5, 6, 6, 7))).toBe(1)
  })

  test('is not a pause of ten seconds, and no matter in other containers', () => {
    expect(findClockJump('mpegts', at(0, 1, 11, 12))).toBeUndefined()
    expect(findClockJump('mov', at(0, 100))).toBeUndefined()
    expect(findClockJump('mpegts', at())).toBeUndefined()
  })
})
