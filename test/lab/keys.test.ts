/** Swarms with a key: who is in, who is not, and where the key is never seen. */
import '../helpers/fast-tools.ts'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { newKey } from '../../src/node/key/index.ts'
import { ffmpegIn, LOOPBACK, runCli } from '../helpers/cli.ts'
import { makeLonelyHost, whyNoNamespaces } from '../helpers/namespaces.ts'
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

const lab = useLab()
const [OURS, THEIRS] = [newKey(), newKey()]

test('nodes of one key work together, whether it is named, in the environment or stored', async () => {
  const home = await newHome(lab)
  const stored = await runCli(['key', 'new'], { env: { FFSWARM_HOME: home } })
  const key = stored.stdout.trim()
  const workers = await Promise.all([
    startWorker(lab, { home }),
    startWorker(lab, { env: { FFSWARM_KEY: key } }),
  ])
  const job = await startEncode(lab, {
    params: LOSSLESS,
    connect: workers,
    args: ['--peers', '2', '--no-local', '--segment-time', '2', '--key', key],
  })
  await expectExact(lab, job)
  expect(makersOf(job).sort()).toEqual(workers.map(({ peer }) => peer).sort())
})

test.each([
  ['another key', { FFSWARM_KEY: THEIRS }],
  ['none', {}],
])('a node with %s gets no answer, and is told so', async (_, env) => {
  const worker = await startWorker(lab, { env: { FFSWARM_KEY: OURS } })
  const job = await startEncode(lab, {
    params: LOSSLESS,
    connect: [worker],
    args: ['--peers', '1', '--no-local', '--wait', '3'],
    env,
  })
  const { exitCode, stderr } = await job.process.ended
  expect(exitCode).toBe(1)
  expect(job.process.events.at(-1)).toMatchObject({ code: 'PEERS_MISSING' })
  expect(stderr).toContain('has another key')
  // It goes on serving.
  const own = await startEncode(lab, {
    params: LOSSLESS,
    connect: [worker],
    args: ['--peers', '1', '--no-local'],
    env: { FFSWARM_KEY: OURS },
  })
  await expectExact(lab, own)
})

test.skipIf(process.platform !== 'linux')(
  'the key is in no list of processes, no output, and not with ffmpeg',
  async () => {
    const worker = await startWorker(lab, { args: [...LOOPBACK, '--key', OURS] })
    const job = await startEncode(lab, {
      params: SLOW_LOSSLESS,
      connect: [worker],
      args: ['--peers', '1', '--no-local'],
      env: { FFSWARM_KEY: OURS, DEBUG: 'ffswarm:*' },
    })
    await job.process.event(({ event, state }) => event === 'segment' && state === 'encoding')
    await expect.poll(() => ffmpegIn(lab.directory).length).toBeGreaterThan(0)
    const told = (pid: number, what: 'cmdline' | 'environ') => {
      try {
        return [readFileSync(`/proc/${pid}/${what}`, 'latin1')]
      } catch {
        // It has ended meanwhile.
        return []
      }
    }
    const seen = [worker.process.pid, ...ffmpegIn(lab.directory)].flatMap((pid) => told(pid, 'cmdline'))
    const environments = ffmpegIn(lab.directory).flatMap((pid) => told(pid, 'environ'))
    expect(environments.length).toBeGreaterThan(0)
    const { exitCode, stdout, stderr } = await job.process.ended
    expect(exitCode).toBe(0)
    expect([...seen, ...environments, stdout, stderr].filter((text) => text.includes(OURS))).toEqual([])
    expect(JSON.stringify(worker.process.events)).not.toContain(OURS)
  },
)

const reason = await whyNoNamespaces()
if (reason !== undefined) process.stderr.write(`skipped, keys in a network: ${reason}\n`)

describe.skipIf(reason !== undefined)('on a network where nodes find each other', () => {
  test('those of another key, or of none, see nobody', async () => {
    const network = await makeLonelyHost()
    try {
      const launcher = network.hosts[0]?.launcher ?? []
      const worker = await startWorker(lab, { launcher, args: [], env: { FFSWARM_KEY: OURS } })
      const seenBy = async (key: string) => {
        const { stdout } = await runCli(['peers', '--json', '--timeout', '4', '--key', key], {
          launcher,
          env: { FFSWARM_HOME: await newHome(lab) },
        })
        return stdout.split('\n').filter((line) => line.includes(worker.peer)).length
      }
      expect(await Promise.all([OURS, THEIRS, 'none'].map(seenBy))).toEqual([1, 0, 0])
    } finally {
      await network.remove()
    }
  })
})
