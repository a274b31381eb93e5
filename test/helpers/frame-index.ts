/** Frame indexes made up for tests of what only decides. */
import type { FrameIndex } from '../../src/media/index.ts'

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
    evidence: 'packets',
    seekable,
  }
}
