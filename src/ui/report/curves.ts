/** The film from its beginning to its end: bits a second, how near the pictures are to the source's, and where segments meet. */
import type { ReadReport } from '../../node/index.ts'
import { clock, ticksOf, timeTicks } from './axis.ts'
import { type Html, html } from './html.ts'

const WIDTH = 1000
const LEFT = 64
const RIGHT = 16
const HEIGHT = 180
const TOP = 10
const BOTTOM = 30

interface Frame {
  /** Seconds of the film. */
  readonly end: number
  /** Seconds at which a segment begins, without the first. */
  readonly seams: readonly number[]
}

/** @returns undefined where the report does not tell how long the film is */
export function filmOf({ plan, segments }: ReadReport): Frame | undefined {
  const { firstPts, lastPts, count } = plan?.times ?? {}
  const [num = 0, den = 1] = (plan?.timeBase ?? '').split('/').map(Number)
  if (firstPts == null || lastPts == null || count === undefined || !(num > 0) || !(den > 0)) return undefined
  const seconds = (pts: number) => ((pts - firstPts) * num) / den
  // The last frame is shown as long as the others on average.
  const end = seconds(lastPts) * (count > 1 ? count / (count - 1) : 1)
  if (!(end > 0)) return undefined
  const seams = segments.map((segment) => seconds(segment.firstPts)).filter((time) => time > 0 && time < end)
  return { end, seams: seams.sort((a, b) => a - b) }
}

/** @param shiftSeconds nothing is at the film's first second but what begins there */
export function bitRateCurve(
  { seconds, bytes }: NonNullable<ReadReport['output']['bitRate']>,
  frame: Frame,
): Html {
  const rates = bytes.map((count, at) => {
    // The last stretch need not be a whole one.
    const length = Math.max(0.2, Math.min(seconds, frame.end - at * seconds))
    return (count * 8) / 1000 / length
  })
  const most = Math.max(...rates, 1)
  const { x, y } = scales(frame.end, 0, most)
  const steps = rates.map((rate, at) => {
    const [from, to] = [x(at * seconds), x(Math.min(frame.end, (at + 1) * seconds))]
    return `L${from} ${y(rate)}L${to} ${y(rate)}`
  })
  const area = `M${x(0)} ${y(0)}${steps.join('')}L${x(frame.end)} ${y(0)}Z`
  return chart(
    frame,
    ticksOf(most, 4).map((rate) => ({ value: rate, text: formatRate(rate) })),
    { x, y, what: 'bits a second over the film' },
    html`<path class="area" d="${area}"/>`,
  )
}

export function qualityCurve(
  stretches: NonNullable<NonNullable<ReadReport['output']['pictures']>['stretches']>,
  frame: Frame,
): Html {
  const lowest = Math.min(...stretches.map(({ lowestSsim }) => lowestSsim), 0.999)
  const least = Math.max(0, Math.floor((lowest - 0.002) * 100) / 100)
  const { x, y } = scales(frame.end, least, 1)
  const line = stretches.map(
    ({ seconds, medianSsim }, at) => `${at === 0 ? 'M' : 'L'}${x(seconds)} ${y(medianSsim)}`,
  )
  return chart(
    frame,
    ticksOf(1 - least, 4).map((below) => ({ value: 1 - below, text: (1 - below).toFixed(3) })),
    { x, y, what: 'SSIM over the film' },
    html`<path class="line" d="${line.join('')}"/>${stretches.map(
      ({ first, end, seconds, medianSsim, lowestSsim }) =>
        html`<g class="look"><line x1="${x(seconds)}" x2="${x(seconds)}" y1="${y(lowestSsim)}" y2="${y(medianSsim)}"/><circle cx="${x(seconds)}" cy="${y(medianSsim)}" r="2.5"><title>frames ${first} to ${end - 1}, at ${clock(seconds, frame.end)}: SSIM ${medianSsim.toFixed(4)}, lowest ${lowestSsim.toFixed(4)}</title></circle></g>`,
    )}`,
  )
}

interface Scales {
  x(seconds: number): number
  y(value: number): number
}

function scales(end: number, least: number, most: number): Scales {
  const round = (value: number) => Math.round(value * 100) / 100
  return {
    x: (seconds) => round(LEFT + (seconds / end) * (WIDTH - LEFT - RIGHT)),
    y: (value) => round(TOP + (1 - (value - least) / (most - least || 1)) * (HEIGHT - TOP - BOTTOM)),
  }
}

function chart(
  { end, seams }: Frame,
  levels: readonly { value: number; text: string }[],
  { x, y, what }: Scales & { what: string },
  content: Html,
): Html {
  const bottom = HEIGHT - BOTTOM
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${what}">
${levels.map(
  ({ value, text }) =>
    html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}"/><text class="tick" x="${LEFT - 8}" y="${y(value) + 4}" text-anchor="end">${text}</text>`,
)}
${timeTicks(end, 10).map((tick) => html`<text class="tick" x="${x(tick)}" y="${HEIGHT - 4}" text-anchor="middle">${clock(tick, end)}</text>`)}
${content}
<g class="seams">${seams.map((seam) => html`<line x1="${x(seam)}" x2="${x(seam)}" y1="${bottom + 2}" y2="${bottom + 9}"><title>a segment begins at ${clock(seam, end)}</title></line>`)}</g>
</svg>`
}

/** @param rate kbit/s */
function formatRate(rate: number): string {
  if (rate === 0) return '0'
  return rate >= 1000 ? `${Number((rate / 1000).toFixed(1))} Mb/s` : `${Number(rate.toFixed(1))} kb/s`
}
