/** How well a swarm was used: what it took beside what its nodes could have done, by their own rates in that very job. Pure. */

export interface Efficiency {
  /** What all nodes together would have taken at their own rates, were each of their slots at work from the first moment to the last. */
  readonly boundSeconds: number
  /** That, as a part of what was taken: 1 is the best there can be. */
  readonly ofSum: number
  /** PeerId of the fastest node. */
  readonly best: string
  /** What that one alone would have taken. */
  readonly bestSeconds: number
  /** That, as a multiple of what was taken. */
  readonly speedup: number
}

/**
 * @param made frames that were made in this job, and the seconds from its start to its end
 * @returns undefined where nothing was made
 */
export function efficiencyOf(
  peers: readonly { readonly peer: string; readonly framesPerSecond: number | null }[],
  made: { readonly frames: number; readonly seconds: number },
): Efficiency | undefined {
  let sum = 0
  let best: { peer: string; rate: number } | undefined
  for (const { peer, framesPerSecond } of peers) {
    const rate = framesPerSecond ?? 0
    sum += rate
    if (rate > (best?.rate ?? 0)) best = { peer, rate }
  }
  if (best === undefined || made.frames === 0 || made.seconds <= 0) return undefined
  const [boundSeconds, bestSeconds] = [made.frames / sum, made.frames / best.rate]
  return {
    ...{ boundSeconds, ofSum: boundSeconds / made.seconds },
    ...{ best: best.peer, bestSeconds, speedup: bestSeconds / made.seconds },
  }
}
