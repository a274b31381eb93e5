/** Where segments end, by several rules; all with the program's own choice of a place near the wanted one. */
import { chooseCut } from '../../dist/media/index.js'
import { framesForSlot, updateRate } from '../../dist/node/scheduler/sizing.js'

const BENCHMARK_SECONDS = 8

/**
 * @param rule `fixed`: just there; `keyframes`: at the source's keyframes, as ffswarm does; `scenes`: where a scene
 * begins; `swarm-N`: as ffswarm shares the film out to N slots that are alike
 * @returns the places just behind the segments, in frames
 */
export function cutsAt(rule, clip, lengthSeconds) {
  const { frames, seconds, places } = clip
  const framesPerSecond = frames / seconds
  const slots = /^swarm-(\d+)$/.exec(rule)?.[1]
  if (slots !== undefined) return shareOut(Number(slots), clip, framesPerSecond)
  const near = { fixed: undefined, keyframes: places.keyframes, scenes: places.scenes }
  if (!Object.hasOwn(near, rule)) throw new Error(`no such rule: ${rule}`)
  const index = near[rule] === undefined ? undefined : indexOf(clip, near[rule])
  const ends = []
  while ((ends.at(-1) ?? 0) < frames) {
    ends.push(chooseCut(index, ends.at(-1) ?? 0, lengthSeconds * framesPerSecond, frames))
  }
  return ends
}

/** A whole job in simulated time. */
function shareOut(count, clip, framesPerSecond) {
  const index = indexOf(clip, clip.places.keyframes)
  const policy = {
    totalFrames: clip.frames,
    framesPerSecond,
    segmentSeconds: undefined,
    benchmarkSeconds: BENCHMARK_SECONDS,
  }
  const slots = Array.from({ length: count }, () => ({ rate: undefined, began: 0, task: 0 }))
  const ends = []
  let now = 0
  for (;;) {
    const viewOf = ({ rate, began, task }) => ({ rate, pendingFrames: Math.max(0, task - (now - began)) })
    for (const slot of slots) {
      const first = ends.at(-1) ?? 0
      if (slot.task > 0 || first === clip.frames) continue
      const others = slots.filter((other) => other !== slot).map(viewOf)
      const wanted = framesForSlot({ rate: slot.rate, pendingFrames: 0 }, others, clip.frames - first, policy)
      if (wanted === 0) continue
      ends.push(chooseCut(index, first, wanted, clip.frames))
      Object.assign(slot, { task: ends.at(-1) - first, began: now })
    }
    const [next] = slots.filter(({ task }) => task > 0).sort((a, b) => a.began + a.task - b.began - b.task)
    if (next === undefined) return ends
    now = next.began + next.task
    Object.assign(next, { rate: updateRate(next.rate, next.task, next.task), task: 0 })
  }
}

function indexOf({ pts }, places) {
  return { pts, keyframes: BigInt64Array.from(places, (place) => pts[place]) }
}
