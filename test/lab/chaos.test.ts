/**
 * Whole swarms in which several things break at once, by seeds. `npm run chaos -- --seed N --minutes M` plays on from a seed for as long
 * as it is told.
 */
import '../helpers/fast-tools.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drawFaults, playChaos, WORKERS } from '../helpers/chaos.ts'
import { playDeaths } from '../helpers/deaths.ts'
import { makeSwitchedHosts, type Network, whyNoNamespaces } from '../helpers/namespaces.ts'
import { useLab } from '../helpers/swarm.ts'

const reason = await whyNoNamespaces()
if (reason !== undefined) process.stderr.write(`skipped, chaos: ${reason}\n`)

const SEED = Number(process.env.CHAOS_SEED ?? 1)
const MINUTES = Number(process.env.CHAOS_MINUTES ?? 0)
/** Only seeds that draw one of these. */
const ONLY = new RegExp(process.env.CHAOS_ONLY ?? '')
const DEATHS = Number(process.env.CHAOS_DEATHS ?? 0)

/** Slow enough that a job outlasts most of what happens to it. */
const SLOW = '-c:v libx264 -qp 0 -preset placebo -threads 1'

describe.skipIf(reason !== undefined)('a swarm in which much goes wrong', () => {
  const lab = useLab()
  let network: Network
  beforeAll(async () => {
    network = await makeSwitchedHosts(WORKERS + 1)
  })
  afterAll(async () => await network?.remove())

  test.runIf(MINUTES === 0 && DEATHS === 0)(`makes exactly the film (seed ${SEED})`, async () => {
    const played = await playChaos(lab, network, SLOW, drawFaults(SEED))
    expect(played.segments).toBeGreaterThan(0)
  })

  test.runIf(MINUTES > 0 && DEATHS === 0)(
    'makes exactly the film, again and again',
    { timeout: (MINUTES + 5) * 60_000 },
    async () => {
      const until = performance.now() + MINUTES * 60_000
      for (let seed = SEED; performance.now() < until; seed++) {
        const faults = drawFaults(seed)
        if (!faults.some(({ kind }) => ONLY.test(kind))) continue
        const told = faults.map(({ kind, atMs }) => `${kind} ${(atMs / 1000).toFixed(1)}`).join(', ')
        try {
          const { seconds, starts, segments } = await playChaos(lab, network, SLOW, faults)
          process.stdout.write(
            `seed ${seed}: exact, ${seconds.toFixed(0)} s, ${starts} starts, ${segments} segments (${told})\n`,
          )
        } catch (error) {
          throw new Error(`seed ${seed} (${told})`, { cause: error })
        }
      }
    },
  )

  test.runIf(DEATHS > 0)(
    'loses no verified segment when its coordinator is killed at any time',
    { timeout: DEATHS * 60_000 },
    async () => {
      const { deaths, films, again } = await playDeaths(lab, SLOW, { seed: SEED, deaths: DEATHS })
      process.stdout.write(
        `${deaths} deaths, ${films} films exact, ${again} segments that were in hand begun again\n`,
      )
    },
  )
})
