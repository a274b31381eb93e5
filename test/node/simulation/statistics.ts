/** What many jobs came to. */

/** The value that this part of them does not exceed: 0.5 is the median, 1 the greatest. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
}
