/**
 * `npm run bench:simulation`: how near the scheduler comes to what all machines together can do, over many seeded swarms in virtual time,
 * and what a decision costs.
 */
import { expect, test } from 'vitest'
import { churningSwarm, crowd, steadySwarm } from '../../test/node/simulation/models.ts'
import { quantile } from '../../test/node/simulation/statistics.ts'
import { lowerBound, play, type SwarmModel } from '../../test/node/simulation/swarm.ts'
import { keepFigures, today } from '../support/figures.mjs'
import { say, table } from '../support/report.mjs'

const COUNTS = [2, 4, 8, 16, 32, 64]
const SEEDS = 40
const MEDIAN_TARGET = 1.03
const TAIL_TARGET = 1.08
const CHURN_TARGET = 1.1
const DECISION_MS = 1

const FILM = { minutes: 240, factor: 10 }

function ratiosOf(make: (seed: number) => SwarmModel): number[] {
  return Array.from({ length: SEEDS }, (_, at) => {
    const model = make(at + 1)
    const { makespan, outcome } = play(model)
    expect(outcome).toBe('done')
    return makespan / lowerBound(model)
  })
}

test('makespan over the bound', async () => {
  const rows = COUNTS.map((peers) => ({
    peers,
    steady: ratiosOf((seed) => steadySwarm(seed, { ...FILM, peers })),
    churning: ratiosOf((seed) => churningSwarm(seed, { ...FILM, peers })),
  }))
  say(
    `\nfour hours of film, speeds that differ by a factor of ten, ${SEEDS} swarms each; makespan over the bound\n`,
  )
  say(
    table(
      ['peers', 'median', '99 %', 'a tenth leaves and comes: median', 'most'],
      rows.map(({ peers, steady, churning }) => [
        `${peers}`,
        ...[quantile(steady, 0.5), quantile(steady, 0.99)].map((ratio) => ratio.toFixed(3)),
        ...[quantile(churning, 0.5), quantile(churning, 1)].map((ratio) => ratio.toFixed(3)),
      ]),
    ),
  )
  say(`targets: ${MEDIAN_TARGET} and ${TAIL_TARGET}; ${CHURN_TARGET} with churn`)
  const overPercent = (ratio: number) => 100 * (ratio - 1)
  await keepFigures('simulation', {
    title: `Simulated: how much longer than all machines together need (${today()})`,
    ...{ unit: 'percent over the bound', isLeast: false },
    rows: rows.flatMap(({ peers, steady, churning }) => [
      row(`${peers} peers, median`, quantile(steady, 0.5), MEDIAN_TARGET),
      row('99 of 100', quantile(steady, 0.99), TAIL_TARGET),
      row('with churn, the worst', quantile(churning, 1), CHURN_TARGET),
    ]),
  })

  function row(label: string, ratio: number, target: number) {
    return { label, value: overPercent(ratio), target: overPercent(target) }
  }
})

test('the cost of a decision', () => {
  const played = play(crowd())
  expect(played.outcome).toBe('done')
  const each = played.decisionMs / played.decisions
  say(
    `\na thousand peers, ${played.attempts} segments: ${each.toFixed(3)} ms a decision (target: under ${DECISION_MS})`,
  )
})
