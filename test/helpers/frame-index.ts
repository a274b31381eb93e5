/** Frame indexes made up for tests of what only decides. */
import { type FrameIndex, NO_FILTERS, type Timing } from '../../src/media/index.ts'
import type { FilmPlan } from '../../src/node/coordinator/plan.ts'

/** Frames every `step` ticks of 1/25 s by default, with a keyframe every `gop` frames. */
export function makeIndex({
  frames,
  gop = 25,
  step = 1,
  start = 0,
  open = false,
  seekable = true,
}: {
  frames: number
  gop?: number
  step?: number
  start?: number
  open?: boolean
  seekable?: boolean
}): FrameIndex {
  const pts = BigInt64Array.from({ length: frames }, (_, place) => BigInt(start + place * step))
  const keyframes = pts.filter((_, place) => place % gop === 0)
  return {
    timeBase: { num: 1, den: 25 },
    pts,
    keyframes,
    openGops: Array.from(keyframes, (_, place) => open && place > 0),
    positions: undefined,
    evidence: 'packets',
    seekable,
  }
}

/** The film of all its frames as they are. */
export function makePlan(index: FrameIndex): FilmPlan {
  const { pts, timeBase } = index
  const timing: Timing = {
    source: timeBase,
    encoder: timeBase,
    zeroMicroseconds: 0n,
    startMicroseconds: 0n,
  }
  return {
    index,
    film: { pts, untrimmed: pts, first: 0, timing, filtered: undefined },
    chain: NO_FILTERS,
    forcedKeyframes: undefined,
    synced: undefined,
    zeroMicroseconds: 0n,
  }
}
