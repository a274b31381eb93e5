/** A coordinator that is killed again and again, at any time: what it has verified is never encoded once more. */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Event } from './cli.ts'
import { seededRandom } from './random.ts'
import {
  expectExact,
  expectFrames,
  jobsIn,
  type Lab,
  newHome,
  type RunningJob,
  startEncode,
} from './swarm.ts'

/** From its start to its death at most; a second of that it prepares. */
const LONGEST_MS = 5_000

type Stretch = readonly [start: number, end: number]

/**
 * Plays films until there were so many deaths, and the last film to its end.
 *
 * @returns `again`: segments that were in hand at a death, and begun anew
 */
export async function playDeaths(
  lab: Lab,
  params: string,
  { seed, deaths }: { seed: number; deaths: number },
): Promise<{ deaths: number; films: number; again: number }> {
  const random = seededRandom(seed)
  let died = 0
  let films = 0
  let again = 0
  while (died < deaths || films === 0) {
    const home = await newHome(lab)
    const output = await lab.newOutput('mkv')
    const verified: Stretch[] = []
    let inHand: Stretch[] = []
    for (;;) {
      const args = ['--local', '--segment-time', '1', '--slots', '2']
      const job = await startEncode(lab, { params, home, output, args })
      const isLast = died >= deaths
      const end = isLast ? undefined : sleep(random() * LONGEST_MS, 'death' as const)
      const ending = end === undefined ? job.process.ended : Promise.race([job.process.ended, end])
      if ((await ending) === 'death') job.process.signal('SIGKILL')
      const { exitCode } = await job.process.ended
      const done = stretches(job, 'verified')
      for (const stretch of done) expect(verified.filter((one) => overlap(one, stretch))).toEqual([])
      const begun = stretches(job, 'encoding')
      again += begun.filter((stretch) => inHand.some((one) => overlap(one, stretch))).length
      verified.push(...done)
      inHand = begun.filter((stretch) => !done.some((one) => overlap(one, stretch)))
      if (exitCode === 0) {
        await expectExact(lab, job)
        films++
        break
      }
      died++
      // All that was left to it was to end.
      if (existsSync(output) && jobsIn(home).length === 0) {
        await expectFrames(lab, job)
        films++
        break
      }
    }
  }
  return { deaths: died, films, again }
}

/** In ticks of the source. */
function stretches({ process }: RunningJob, wanted: string): Stretch[] {
  const isWanted = ({ event, state }: Event) => event === 'segment' && state === wanted
  return process.events.filter(isWanted).map(({ startPts, endPts }) => [Number(startPts), Number(endPts)])
}

function overlap([from, to]: Stretch, [start, end]: Stretch): boolean {
  return from < end && start < to
}
