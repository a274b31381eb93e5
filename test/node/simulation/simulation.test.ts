/** Thousands of jobs in virtual time: nothing may be lost or done for nobody, and all must be done together. */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../helpers/random.ts'
import { churningSwarm, crowd, FPS, policyFor, steadyPeer, steadySwarm, unluckySwarm } from './models.ts'
import { quantile } from './statistics.ts'
import { lowerBound, type Played, play, type SwarmModel } from './swarm.ts'

/** Every frame in exactly one of the tasks that make up the film. */
function expectWhole({ tasks, outcome }: Played, { frames }: SwarmModel): void {
  expect(outcome).toBe('done')
  let next = 0
  for (const { first, frames: length } of tasks) {
    expect(first).toBe(next)
    next += length
  }
  expect(next).toBe(frames)
}

function overBound(model: SwarmModel): number {
  const played = play(model)
  expectWhole(played, model)
  return played.makespan / lowerBound(model)
}

const COUNTS = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]
const seeds = (count: number) => Array.from({ length: count }, (_, at) => at + 1)

describe('a film of four hours', () => {
  test('takes hardly longer than all machines together need, from 2 to 64 that differ by a factor of ten', () => {
    const ratios = COUNTS.flatMap((peers) =>
      seeds(10).map((seed) => overBound(steadySwarm(seed, { peers, minutes: 240, factor: 10 }))),
    )
    expect(quantile(ratios, 0.5)).toBeLessThan(1.03)
    expect(quantile(ratios, 0.99)).toBeLessThan(1.08)
  })

  test('and with a tenth of them leaving and as many coming, what those that are there need', () => {
    const ratios = COUNTS.flatMap((peers) =>
      seeds(5).map((seed) => overBound(churningSwarm(seed, { peers, minutes: 240, factor: 10 }))),
    )
    expect(quantile(ratios, 0.5)).toBeLessThan(1.05)
    expect(Math.max(...ratios)).toBeLessThan(1.1)
  })
})

test.each([
  ['right', 1],
  ['off by a third', 1.33],
  ['off by a factor of three', 3],
])('what is remembered of peers, %s, does no harm', (_, factor) => {
  const ratios = [2, 8, 32].flatMap((count) =>
    seeds(10).map((seed) => {
      const model = steadySwarm(seed, { peers: count, minutes: 60, factor: 10 })
      const peers = model.peers.map((peer, at) => ({
        ...peer,
        remembered: peer.speed(0) * (at % 2 === 0 ? factor : 1 / factor),
      }))
      return overBound({ ...model, peers })
    }),
  )
  expect(quantile(ratios, 0.5)).toBeLessThan(1.05)
  expect(Math.max(...ratios)).toBeLessThan(1.12)
})

describe('a film whose index is read while the work goes on', () => {
  test.each([
    ['as long as was thought', 1],
    ['longer than was thought', 0.8],
    ['shorter than was thought', 1.3],
  ])('%s, takes hardly longer', (_, thought) => {
    const ratios = [2, 8, 32].flatMap((peers) =>
      seeds(10).map((seed) => {
        const model = steadySwarm(seed, { peers, minutes: 240, factor: 10 })
        const expectedFrames = Math.round(thought * model.frames)
        return overBound({
          ...model,
          reading: { seconds: 0.3 * lowerBound(model), expectedFrames },
          policy: { ...model.policy, totalFrames: expectedFrames },
        })
      }),
    )
    expect(quantile(ratios, 0.5)).toBeLessThan(1.03)
    expect(Math.max(...ratios)).toBeLessThan(1.08)
  })

  test('that comes more slowly than it is encoded is waited for, and nothing is lost', () => {
    for (const seed of seeds(20)) {
      const model = steadySwarm(seed, { peers: 8, minutes: 20, factor: 10 })
      const seconds = 2 * lowerBound(model)
      const played = play({ ...model, reading: { seconds, expectedFrames: 100 } })
      expectWhole(played, model)
      expect(played.makespan).toBeLessThan(1.8 * seconds)
    }
  })
})

describe('a node that becomes slow', () => {
  test.each([2, 3, 4, 8])(
    'one of %d, to a tenth, lengthens the job by little more than its absence',
    (count) => {
      const frames = 10 * 60 * FPS
      const ratios = seeds(20).map((seed) => {
        const middle = (frames / (30 * count)) * (0.3 + 0.02 * seed)
        const peers = Array.from({ length: count }, (_, at) =>
          steadyPeer(`peer-${at}`, 30, at === 0 ? { speed: (now) => (now > middle ? 3 : 30) } : {}),
        )
        return overBound({ seed, frames, peers, policy: policyFor(frames) })
      })
      // What it had done of its last task is lost.
      expect(quantile(ratios, 0.5)).toBeLessThan(1.07)
      expect(quantile(ratios, 0.9)).toBeLessThan(1.12)
    },
  )

  test('or hangs without a word is not waited for', () => {
    const frames = 5 * 60 * FPS
    const peers = [steadyPeer('well', 30), steadyPeer('hung', 30, { speed: (now) => (now > 60 ? 0 : 30) })]
    const model = { seed: 1, frames, peers, policy: policyFor(frames) }
    expect(overBound(model)).toBeLessThan(1.35)
  })
})

describe('on slow links', () => {
  const minutes = 20
  const frames = minutes * 60 * FPS

  test.each([
    ['a little slower than its encoder', 20],
    ['a tenth of its encoder', 3],
    ['a hundredth', 0.3],
  ])('a peer whose segments come here over a link %s delays nothing', (_, link) => {
    const ratios = seeds(20).map((seed) => {
      const model = steadySwarm(seed, { peers: 4, minutes, factor: 4 })
      const peers = model.peers.map((peer, at) => (at === 0 ? { ...peer, link } : peer))
      return overBound({ ...model, peers })
    })
    expect(quantile(ratios, 0.5)).toBeLessThan(1.05)
    expect(Math.max(...ratios)).toBeLessThan(1.15)
  })

  test.each([
    ['for most of them', 400],
    ['for two of eight', 60],
    ['for hardly any', 5],
  ])('the coordinator, whose uplink is enough %s, encodes what is not worth sending', (_, uplink) => {
    const ratios = seeds(20).map((seed) => {
      const random = seededRandom(seed)
      const remote = Array.from({ length: 8 }, (_unused, at) =>
        steadyPeer(`peer-${at}`, 20 + 60 * random(), { isRemote: true }),
      )
      const peers = [steadyPeer('here', 40), ...remote]
      return overBound({ seed, frames, peers, uplink, policy: policyFor(frames) })
    })
    expect(quantile(ratios, 0.5)).toBeLessThan(1.05)
    expect(Math.max(...ratios)).toBeLessThan(1.15)
  })
})

describe('whatever goes wrong', () => {
  test.each(seeds(4))('every frame is there once in the end (a hundred swarms, %d)', (hundred) => {
    for (const seed of seeds(100).map((at) => hundred * 1_000 + at)) {
      const model = unluckySwarm(seed)
      const played = play(model)
      expect(played.outcome, `seed ${seed}`).toBe('done')
      expectWhole(played, model)
      expect(played.wasted, `seed ${seed}`).toBeLessThan(6 * model.frames)
    }
  })

  test('the same seed plays the same job', () => {
    const once = play(unluckySwarm(7))
    const again = play(unluckySwarm(7))
    expect(again.makespan).toBe(once.makespan)
    expect(again.tasks).toEqual(once.tasks)
  })
})

test('a thousand peers and twenty thousand segments cost little to decide about', () => {
  const played = play(crowd())
  expect(played.outcome).toBe('done')
  expect(played.attempts).toBeGreaterThan(19_000)
  expect(played.decisionMs / played.decisions).toBeLessThan(1)
})
