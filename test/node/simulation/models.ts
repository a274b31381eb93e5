/** Swarms made up by chance: a seed makes the same again. */
import type { SchedulePolicy } from '../../../src/node/scheduler/index.ts'
import { seededRandom } from '../../helpers/random.ts'
import type { PeerModel, SwarmModel } from './swarm.ts'

export const FPS = 24

export function policyFor(frames: number): SchedulePolicy {
  return { totalFrames: frames, framesPerSecond: FPS, segmentSeconds: undefined, benchmarkSeconds: 8 }
}

/** Keyframes as an encoder sets them: where scenes begin, every ten seconds at the latest. */
export function keyframesOf(frames: number, random: () => number): number[] {
  const places: number[] = []
  for (let place = 0; place < frames; place += Math.ceil(FPS * (1 + 9 * random()))) places.push(place)
  return places
}

export function steadyPeer(name: string, speed: number, more: Partial<PeerModel> = {}): PeerModel {
  return {
    ...{ name, slots: 1, speed: () => speed, startSeconds: 0.4, bringSeconds: 0.3, failing: 0 },
    ...{ joins: 0, leaves: Number.POSITIVE_INFINITY, noticeSeconds: 10, ...more },
  }
}

/** Peers whose speeds differ by up to a factor, and nothing goes wrong. */
export function steadySwarm(
  seed: number,
  { peers: count, minutes, factor }: { peers: number; minutes: number; factor: number },
): SwarmModel {
  const random = seededRandom(seed)
  const frames = minutes * 60 * FPS
  const peers = Array.from({ length: count }, (_, at) => steadyPeer(`peer-${at}`, 10 * factor ** random()))
  return { seed, frames, peers, keyframes: keyframesOf(frames, random), policy: policyFor(frames) }
}

/** The same with a tenth of the peers leaving, and as many coming, in the course of the job. */
export function churningSwarm(
  seed: number,
  init: { peers: number; minutes: number; factor: number },
): SwarmModel {
  const { peers, ...swarm } = steadySwarm(seed, init)
  const random = seededRandom(seed + 1)
  const seconds = swarm.frames / peers.reduce((sum, { speed }) => sum + speed(0), 0)
  const changing = Math.max(1, Math.round(peers.length / 10))
  const when = () => seconds * (0.1 + 0.7 * random())
  const leaving = peers.map((peer, at) => (at < changing ? { ...peer, leaves: when() } : peer))
  const coming = peers
    .slice(0, changing)
    .map((peer, at) => ({ ...peer, name: `late-${at}`, joins: when(), leaves: Number.POSITIVE_INFINITY }))
  return { ...swarm, peers: [...leaving, ...coming] }
}

/** A thousand peers, and about twenty thousand segments of four seconds. */
export function crowd(): SwarmModel {
  const frames = 20_000 * 4 * FPS
  const peers = Array.from({ length: 1_000 }, (_, at) => steadyPeer(`peer-${at}`, 10 + (at % 90)))
  return { seed: 1, frames, peers, policy: { ...policyFor(frames), segmentSeconds: 4 } }
}

/** Whatever can go wrong does, to somebody: drift, hangs, crashes, failures, slow links, scenes that cost ten times as much. */
export function unluckySwarm(seed: number): SwarmModel {
  const random = seededRandom(seed)
  const chance = (part: number) => random() < part
  const frames = Math.ceil(FPS * 60 * (0.2 + 30 * random() ** 2))
  const count = 1 + Math.floor(40 * random() ** 2)
  const peers = Array.from({ length: count }, (_, at): PeerModel => {
    const speed = 4 * 50 ** random()
    const changesAt = 200 * random()
    const later = chance(0.2) ? speed * (0.1 + random()) : speed
    // The first is always there: a job that everybody has left does not end.
    const isSafe = at === 0
    const hangs = !isSafe && chance(0.1) ? 200 * random() : Number.POSITIVE_INFINITY
    const joins = isSafe ? 0 : chance(0.3) ? 100 * random() : 0
    return steadyPeer(`peer-${at}`, speed, {
      slots: 1 + Math.floor(3 * random() ** 2),
      speed: (now) => (now > hangs ? 0 : now > changesAt ? later : speed),
      startSeconds: 3 * random() ** 3,
      bringSeconds: 20 * random() ** 4,
      ...(chance(0.2) ? { link: speed * 10 ** (2 * random() - 1.5) } : {}),
      failing: isSafe ? 0 : chance(0.1) ? 0.9 : 0.02 * random(),
      joins,
      leaves: !isSafe && chance(0.3) ? joins + 150 * random() : Number.POSITIVE_INFINITY,
      noticeSeconds: 15 * random(),
    })
  })
  const costly = Math.floor(frames * random())
  const cost = (frame: number) => (frame >= costly && frame < costly + frames / 10 ? 10 : 1)
  return { seed, frames, peers, cost, keyframes: keyframesOf(frames, random), policy: policyFor(frames) }
}
