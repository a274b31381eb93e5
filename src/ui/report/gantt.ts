/** Which slot did what when, as a picture: a line for each slot, the nodes one below the other. */
import type { ReadReport } from '../../node/index.ts'
import { formatSeconds } from '../format.ts'
import { clock, timeTicks } from './axis.ts'
import { type Html, html } from './html.ts'
import { busyShare, type Placed, placeAttempts } from './lanes.ts'

type Work = NonNullable<ReadReport['work']>

const WIDTH = 1000
const LEFT = 150
const RIGHT = 16
const TOP = 34
const LANE = 18
const GAP = 10
/** So many colours there are for nodes. */
export const COLOURS = 8

export function gantt(work: Work): Html {
  const end = Math.max(work.wallSeconds, 0.001)
  const x = (seconds: number) => LEFT + (Math.min(seconds, end) / end) * (WIDTH - LEFT - RIGHT)
  let y = TOP
  const groups = work.peers.flatMap(({ peer, name }, place) => {
    const placed = placeAttempts(
      work.attempts.filter((attempt) => attempt.peer === peer),
      end,
    )
    if (placed.length === 0) return []
    const top = y
    const lanes = Math.max(...placed.map(({ lane }) => lane)) + 1
    y += lanes * LANE + GAP
    return [
      html`<g class="c${place % COLOURS}">
<text x="${LEFT - 10}" y="${top + (lanes * LANE) / 2 + 4}" text-anchor="end">${cut(name, 17)}</text>
${placed.map((one) => bars(one, top + one.lane * LANE, x, end))}</g>
`,
    ]
  })
  const height = y + 6
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="what each slot did when">
${timeTicks(end, 10).map(
  (tick) =>
    html`<line class="grid" x1="${round(x(tick))}" x2="${round(x(tick))}" y1="${TOP - 6}" y2="${height - 6}"/><text class="tick" x="${round(x(tick))}" y="12" text-anchor="middle">${clock(tick, end)}</text>`,
)}
${work.phases.map((phase, place) => phaseBar(phase, place, x))}
${groups}</svg>`
}

function phaseBar(
  { phase, began, ended }: Work['phases'][number],
  place: number,
  x: (at: number) => number,
): Html {
  const width = x(ended) - x(began)
  return html`<g class="phase${place % 2}"><rect x="${round(x(began))}" y="18" width="${round(Math.max(0.5, width))}" height="6"><title>${phase}: ${formatSeconds(ended - began)}</title></rect></g>`
}

function bars({ attempt, began, ended }: Placed, y: number, x: (at: number) => number, end: number): Html {
  const { index, frames, assigned, encoded, outcome, code } = attempt
  const [begun, gone] = [attempt.encoding ?? began, attempt.ended ?? end]
  const what = `segment ${index}, ${frames} frames${attempt.attempt > 1 ? `, try ${attempt.attempt}` : ''}`
  const times = [
    `waited ${formatSeconds(begun - assigned)}, encoded ${formatSeconds(ended - begun)}`,
    ...(encoded === null ? [] : [`brought and checked in ${formatSeconds(gone - encoded)}`]),
    outcome === 'failed' ? `failed${code === null ? '' : ` (${code})`}` : (outcome ?? 'broken off'),
  ]
  const title = html`<title>${what}: ${times.join(', ')}</title>`
  const bar = (kind: string, from: number, to: number, top: number, height: number) =>
    to > from
      ? html`<rect class="${kind}" x="${round(x(from))}" y="${y + top}" width="${round(Math.max(1, x(to) - x(from) - 0.6))}" height="${height}">${title}</rect>`
      : undefined
  return html`${bar('wait', assigned, begun, 6, 2)}${bar(outcome ?? 'needless', began, ended, 0, LANE - 4)}${
    encoded === null ? undefined : bar('bring', encoded, gone, LANE - 8, 4)
  }`
}

/** Of each node that had a part in it, how busy its slots were while segments were encoded. */
export function busyShares(work: Work): ReadonlyMap<string, number> {
  const phase = work.phases.find((known) => known.phase === 'encoding')
  // Segments begin before the phase is told where nobody is waited for.
  const began = Math.min(phase?.began ?? 0, ...work.attempts.slice(0, 1).map(({ assigned }) => assigned))
  const last = work.attempts.reduce((latest, { ended }) => Math.max(latest, ended ?? 0), 0)
  return new Map(
    work.peers.map(({ peer, slots }) => {
      const own = work.attempts.filter((attempt) => attempt.peer === peer)
      return [peer, busyShare(placeAttempts(own, work.wallSeconds), slots, began, last)]
    }),
  )
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
