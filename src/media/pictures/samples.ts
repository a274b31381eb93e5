/** Which stretches of a film to look at: its seams and what lies beside them, its ends, and some places in between. */

/** Half-open, places of frames in presentation order. */
export interface Stretch {
  readonly first: number
  readonly end: number
}

// Enough to see one bad picture stand out from its neighbours, on both sides of a seam.
const BESIDE = 4
const EVENLY = 8

/** @param seams places of frames that are the first of something, in any order */
export function sampleStretches(frames: number, seams: readonly number[]): Stretch[] {
  const spread = Array.from({ length: EVENLY }, (_, at) => Math.floor((frames * (at + 0.5)) / EVENLY))
  const places = [...seams, ...spread, 0, frames].sort((a, b) => a - b)
  const stretches: { first: number; end: number }[] = []
  for (const place of places) {
    const first = Math.max(0, place - BESIDE)
    const end = Math.min(frames, place + BESIDE)
    const last = stretches.at(-1)
    if (last !== undefined && first <= last.end) last.end = Math.max(last.end, end)
    else if (end > first) stretches.push({ first, end })
  }
  return stretches
}

/** The stretch in parts, none of which has one of these places between its frames. */
export function splitAt({ first, end }: Stretch, places: readonly number[]): Stretch[] {
  const within = places.filter((place) => place > first && place < end)
  const bounds = [first, ...within, end]
  return bounds.slice(1).map((bound, at) => ({ first: bounds[at] ?? first, end: bound }))
}

/** Of a longer list, so many members evenly apart. */
export function thinOut<Member>(list: readonly Member[], most: number): Member[] {
  if (list.length <= most) return [...list]
  return Array.from({ length: most }, (_, at) => list[Math.floor((at * list.length) / most)] as Member)
}
