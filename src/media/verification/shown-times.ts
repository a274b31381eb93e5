/**
 * What FFmpeg's demuxer gives of an mp4 or mov film that begins below zero. The edit list hides what lies there: pictures
 * that no shown one needs are left out, and the first that is shown is read at zero, wherever behind it it stands.
 */
import { compareTimes } from './compare-times.ts'

/**
 * Whether both lists show the same pictures from zero on.
 *
 * @param expected of the whole film, ascending
 * @param actual as they were read from the file
 */
export function showsTheSame(expected: BigInt64Array, actual: BigInt64Array): boolean {
  const shown = expected.filter((time) => time >= 0n)
  const [first] = shown
  if (first === undefined || shown.length === expected.length) return false
  const { shiftTicks, firstDifference } = compareTimes(
    shown.map((time) => time - first),
    actual.filter((time) => time >= 0n),
  )
  return firstDifference === undefined && shiftTicks === 0n
}
