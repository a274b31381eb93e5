/** Ticks and their words for an axis. Pure. */

const STEPS = [1, 2, 5]

/** @param most how many at most @returns ascending, from 0 to the end at most */
export function ticksOf(end: number, most: number): number[] {
  if (!(end > 0)) return [0]
  const rough = end / most
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [...STEPS.map((by) => by * power), 10 * power].find((size) => size >= rough) ?? rough
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, at) => at * step)
}

/** Steps of time: of seconds, of minutes, of hours. */
const TIME_STEPS = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 36000, 86400],
]

/** As {@link ticksOf}, where seconds are meant. */
export function timeTicks(end: number, most: number): number[] {
  const step = TIME_STEPS.find((size) => end / size <= most) ?? end
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, at) => at * step)
}

/** `0:05`, `12:00`, `1:00:00`; below ten seconds in all `0.5 s`. @param end of the axis, in seconds */
export function clock(seconds: number, end: number): string {
  if (end < 10) return `${Number(seconds.toFixed(1))} s`
  const whole = Math.round(seconds)
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const tail = `${String(minutes).padStart(hours > 0 ? 2 : 1, '0')}:${String(rest).padStart(2, '0')}`
  return hours > 0 ? `${hours}:${tail}` : tail
}
