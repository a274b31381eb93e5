/** Two lists of frame times laid side by side: what is missing, what is too much, and by how much all is shifted. */

export interface TimesComparison {
  /** What was added to all times of the file. */
  readonly shiftTicks: bigint
  /** Frames that stand in one list only. */
  readonly missing: number
  readonly extra: number
  /** The place, among the expected frames, where the lists first differ; undefined where they are equal. */
  readonly firstDifference: number | undefined
}

/**
 * Takes the common shift under which most frames agree; of equally good ones the smallest.
 *
 * @param toleranceTicks how far apart the two times of one frame may be; less than half of the shortest frame
 */
export function compareTimes(
  expected: BigInt64Array,
  actual: BigInt64Array,
  toleranceTicks = 0n,
): TimesComparison {
  const first = (actual[0] ?? 0n) - (expected[0] ?? 0n)
  const last = (actual.at(-1) ?? 0n) - (expected.at(-1) ?? 0n)
  const shifts = [...new Set([first, 0n, last])].sort((a, b) => Number(magnitude(a) - magnitude(b)))
  return shifts
    .map((shift) => compareShifted(expected, actual, shift, toleranceTicks))
    .reduce((best, next) => (next.missing + next.extra < best.missing + best.extra ? next : best))
}

function compareShifted(
  expected: BigInt64Array,
  actual: BigInt64Array,
  shiftTicks: bigint,
  tolerance: bigint,
): TimesComparison {
  let missing = 0
  let extra = 0
  let firstDifference: number | undefined
  let place = 0
  for (const time of actual) {
    const wanted = time - shiftTicks
    let next = expected[place]
    while (next !== undefined && next < wanted - tolerance) {
      firstDifference ??= place
      missing++
      next = expected[++place]
    }
    if (next !== undefined && next <= wanted + tolerance) {
      place++
    } else {
      firstDifference ??= place
      extra++
    }
  }
  if (place < expected.length) firstDifference ??= place
  missing += expected.length - place
  return { shiftTicks, missing, extra, firstDifference }
}

function magnitude(ticks: bigint): bigint {
  return ticks < 0n ? -ticks : ticks
}
