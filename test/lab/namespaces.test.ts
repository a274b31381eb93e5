/** Whole nodes that find each other by multicast DNS, on hosts of their own. */
import '../helpers/fast-tools.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../helpers/cli.ts'
import { makeLonelyHost, makeSwitchedHosts, type Network, whyNoNamespaces } from '../helpers/namespaces.ts'
import {
  expectExact,
  LOSSLESS,
  makersOf,
  newHome,
  SLOW_LOSSLESS,
  startEncode,
  startWorker,
  useLab,
} from '../helpers/swarm.ts'

const reason = await whyNoNamespaces()
if (reason !== undefined) process.stderr.write(`skipped, the tests with hosts of their own: ${reason}\n`)

const lab = useLab()

/** It takes longer than a break. */
const VERY_SLOW = '-c:v libx264 -qp 0 -preset placebo -threads 1 -vf scale=640:360:flags=neighbor'

function useNetwork(make: () => Promise<Network>): (place: number) => Network['hosts'][number] {
  let network: Network | undefined
  beforeAll(async () => {
    network = await make()
  })
  afterAll(async () => await network?.remove())
  return (place) => {
    const host = network?.hosts[place]
    if (host === undefined) throw new RangeError(`there is no host ${place}`)
    return host
  }
}

describe.skipIf(reason !== undefined)('on a host with nothing but its loopback interface', () => {
  const host = useNetwork(makeLonelyHost)

  test('three nodes find each other without a word about addresses', async () => {
    const { launcher } = host(0)
    const workers = await Promise.all([
      startWorker(lab, { launcher, args: [] }),
      startWorker(lab, { launcher, args: [] }),
    ])
    const job = await startEncode(lab, {
      launcher,
      params: LOSSLESS,
      network: [],
      args: ['--peers', '2', '--segment-time', '1'],
    })
    await expectExact(lab, job)
    expect(makersOf(job).sort()).toEqual(workers.map(({ peer }) => peer).sort())
  })

  test('swarms of different names do not see each other', async () => {
    const { launcher } = host(0)
    const one = await startWorker(lab, { launcher, args: ['--swarm', 'one'], name: 'one' })
    await startWorker(lab, { launcher, args: ['--swarm', 'two'], name: 'two' })
    const { stdout } = await runCli(['peers', '--json', '--swarm', 'one', '--timeout', '2'], {
      launcher,
      env: { FFSWARM_HOME: await newHome(lab) },
    })
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(rows.map(({ peer }) => peer)).toEqual([one.peer])
  })
})

describe.skipIf(reason !== undefined)('on three hosts, one of them behind a slow link', () => {
  const host = useNetwork(() => makeSwitchedHosts(3))

  test('what the slow one has begun is neither lost nor waited for', async (context) => {
    const isShaped = await host(2).shape?.(500)
    if (isShaped !== true) context.skip('this system shapes no traffic')
    const near = await startWorker(lab, { launcher: host(1).launcher, args: [], name: 'near' })
    const far = await startWorker(lab, { launcher: host(2).launcher, args: [], name: 'far' })
    // 400 kB a second of film: at 500 kbit/s a segment of two seconds comes in 13 s.
    const job = await startEncode(lab, {
      launcher: host(0).launcher,
      params: '-c:v ffv1',
      network: [],
      args: ['--peers', '2', '--no-local'],
    })
    await expectExact(lab, job)
    const segments = job.process.events.filter(({ event }) => event === 'segment')
    expect(segments.filter(({ state }) => state === 'failed')).toEqual([])
    const ended = segments.filter(({ state }) => state === 'verified' || state === 'needless')
    expect(new Set(ended.map(({ peer }) => peer))).toEqual(new Set([near.peer, far.peer]))
    const done = job.process.events.find(({ event }) => event === 'done')
    expect(done?.peers).toMatchObject([{ peer: near.peer }, { peer: far.peer, segments: 0, frames: 0 }])
  })
})

describe.skipIf(reason !== undefined)('on three hosts and a switch', () => {
  const host = useNetwork(() => makeSwitchedHosts(3))

  test('two workers are found and make the file of a single run', async () => {
    const workers = await Promise.all([
      startWorker(lab, { launcher: host(1).launcher, args: [], name: 'one' }),
      startWorker(lab, { launcher: host(2).launcher, args: [], name: 'two' }),
    ])
    const job = await startEncode(lab, {
      launcher: host(0).launcher,
      params: LOSSLESS,
      network: [],
      args: ['--peers', '2', '--no-local', '--segment-time', '1'],
    })
    await expectExact(lab, job)
    expect(makersOf(job).sort()).toEqual(workers.map(({ peer }) => peer).sort())
    for (const [place, { addresses }] of workers.entries()) {
      expect(addresses.some((address) => address.includes(host(place + 1).address))).toBe(true)
    }
  })

  test('a cable that is pulled out for a while costs no segment', async () => {
    const worker = await startWorker(lab, { launcher: host(1).launcher, args: [] })
    const job = await startEncode(lab, {
      launcher: host(0).launcher,
      params: VERY_SLOW,
      network: [],
      args: ['--peers', '1', '--no-local', '--segment-time', '5'],
    })
    await job.process.event(({ event, frames }) => event === 'progress' && Number(frames) > 0)
    await host(1).plug?.(false)
    await new Promise((resolve) => setTimeout(resolve, 10_000))
    await host(1).plug?.(true)
    expect(await job.process.ended).toMatchObject({ exitCode: 0, stderr: '' })
    const segments = job.process.events.filter(({ event }) => event === 'segment')
    expect(segments.filter(({ state }) => state === 'failed')).toEqual([])
    const tasks = worker.process.events.filter(({ event }) => event === 'task')
    expect(tasks.map(({ state }) => state).sort()).toEqual(
      ['started', 'encoded', 'acknowledged'].flatMap((state) => [state, state]).sort(),
    )
  })

  test('a host that gets another address in the middle of a job is the same peer, and has what it was at', async () => {
    const worker = await startWorker(lab, { launcher: host(1).launcher, args: [] })
    const job = await startEncode(lab, {
      launcher: host(0).launcher,
      params: VERY_SLOW,
      network: [],
      args: ['--peers', '1', '--no-local', '--segment-time', '5'],
    })
    await job.process.event(({ event, frames }) => event === 'progress' && Number(frames) > 0)
    await host(1).readdress?.()
    expect(await job.process.ended).toMatchObject({ exitCode: 0, stderr: '' })
    expect(job.process.events.filter(({ state }) => state === 'failed')).toEqual([])
    const started = worker.process.events.filter(
      ({ event, state }) => event === 'task' && state === 'started',
    )
    expect(started).toHaveLength(2)
    // Whether it is missed meanwhile depends on which side notices first.
    const peers = job.process.events.filter(({ event }) => event === 'peer')
    expect(new Set(peers.map(({ peer }) => peer))).toEqual(new Set([worker.peer]))
  })

  test('a host that is there before, and one that comes during the job, both work', async () => {
    const first = await startWorker(lab, { launcher: host(1).launcher, args: [] })
    const job = await startEncode(lab, {
      launcher: host(0).launcher,
      params: SLOW_LOSSLESS,
      network: [],
      args: ['--peers', '1', '--no-local', '--segment-time', '0.5'],
    })
    await job.process.event(({ event, state }) => event === 'segment' && state === 'verified')
    const late = await startWorker(lab, { launcher: host(2).launcher, args: [] })
    await expectExact(lab, job)
    expect(makersOf(job).sort()).toEqual([first.peer, late.peer].sort())
  })
})
