/**
 * Exact media time: rationals and the conversion of integer ticks between time bases. Nothing here is a float,
 * because a pts that is off by one tick is a wrong pts.
 */

/** A fraction of two positive integers, as in FFmpeg's AVRational: a time base of 1/90000, a rate of 24000/1001. */
export interface Rational {
  readonly num: number
  readonly den: number
}

export const MICROSECONDS: Rational = { num: 1, den: 1_000_000 }

/** `24000/1001`, `24000:1001` or `25` as FFmpeg prints it; undefined where it is no positive fraction (`0/0`). */
export function parseRational(text: string): Rational | undefined {
  const match = /^(\d+)(?:[/:](\d+))?$/.exec(text)
  if (match === null) return undefined
  const num = Number(match[1])
  const den = Number(match[2] ?? '1')
  if (!Number.isSafeInteger(num) || !Number.isSafeInteger(den) || num === 0 || den === 0) return undefined
  return { num, den }
}

export function formatRational({ num, den }: Rational): string {
  return `${num}/${den}`
}

export function invert({ num, den }: Rational): Rational {
  return { num: den, den: num }
}

export function equalRationals(a: Rational, b: Rational): boolean {
  return BigInt(a.num) * BigInt(b.den) === BigInt(b.num) * BigInt(a.den)
}

/** Integer division rounded to nearest, halves away from zero: FFmpeg's AV_ROUND_NEAR_INF. `divisor` is positive. */
export function divideRounded(dividend: bigint, divisor: bigint): bigint {
  const half = divisor / 2n
  return dividend >= 0n ? (dividend + half) / divisor : -((-dividend + half) / divisor)
}

/** `ticks` of the time base `from` in ticks of `to`, rounded as `av_rescale_q` does. */
export function rescale(ticks: bigint, from: Rational, to: Rational): bigint {
  return divideRounded(ticks * BigInt(from.num) * BigInt(to.den), BigInt(from.den) * BigInt(to.num))
}

/** Ticks as seconds, for people and for lengths that need no exactness. */
export function toSeconds(ticks: bigint, timeBase: Rational): number {
  return (Number(ticks) * timeBase.num) / timeBase.den
}

/** Ticks as a decimal number of seconds with microseconds, the form FFmpeg's duration options take. */
export function formatMicroseconds(microseconds: bigint): string {
  const sign = microseconds < 0n ? '-' : ''
  const digits = (microseconds < 0n ? -microseconds : microseconds).toString().padStart(7, '0')
  return `${sign}${digits.slice(0, -6)}.${digits.slice(-6)}`
}
