/** Whole nodes in processes of their own that find each other by address on the loopback interface. */
import '../helpers/fast-tools.ts'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { freePort, LOOPBACK, runCli } from '../helpers/cli.ts'
import {
  expectExact,
  expectNothingLeft,
  type LabNode,
  LOSSLESS,
  leftIn,
  makersOf,
  SLOW_LOSSLESS,
  startEncode,
  startWorker,
  useLab,
} from '../helpers/swarm.ts'

const lab = useLab()

const segmentEvent = z.strictObject({
  event: z.literal('segment'),
  index: z.number().int(),
  startPts: z.number().int(),
  endPts: z.number().int(),
  timeBase: z.string().regex(/^\d+\/\d+$/),
  peer: z.string().min(40),
  attempt: z.number().int().min(1),
  first: z.number().int().min(0),
  frames: z.number().int().positive(),
  bytes: z.number().int().positive().optional(),
  encodeSeconds: z.number().positive().optional(),
  decodedFrom: z.number().int().nullable().optional(),
  state: z.enum(['assigned', 'encoding', 'encoded', 'verified', 'failed']),
  detail: z.string().optional(),
})

/** The machine interface: what stands here is promised to programs. */
const jobEvent = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('job'),
    job: z.string(),
    input: z.string(),
    output: z.string(),
    params: z.string(),
    encoder: z.string(),
    frames: z.number().int(),
    seconds: z.number(),
    timeBase: z.string(),
    coordinator: z.string(),
  }),
  z.strictObject({
    event: z.literal('peer'),
    peer: z.string(),
    name: z.string(),
    state: z.enum(['joined', 'left', 'unusable', 'excluded']),
    slots: z.number().int(),
    detail: z.string().optional(),
  }),
  segmentEvent,
  z.strictObject({
    event: z.literal('progress'),
    frames: z.number().int(),
    total: z.number().int(),
    fps: z.number(),
    eta: z.number().optional(),
    bytesSent: z.number().int(),
    bytesReceived: z.number().int(),
    peers: z.array(
      z.strictObject({
        peer: z.string(),
        name: z.string(),
        frames: z.number().int(),
        fps: z.number(),
        segments: z.array(
          z.strictObject({ index: z.number().int(), frames: z.number().int(), total: z.number().int() }),
        ),
        bytesSent: z.number().int(),
        bytesReceived: z.number().int(),
      }),
    ),
  }),
  z.strictObject({
    event: z.literal('phase'),
    phase: z.enum(['probing', 'waiting', 'encoding', 'joining', 'verifying']),
    detail: z.string().optional(),
  }),
  z.strictObject({ event: z.literal('warning'), message: z.string() }),
  z.strictObject({
    event: z.literal('done'),
    output: z.string(),
    frames: z.number().int(),
    wallSeconds: z.number().positive(),
    framesBefore: z.literal(0),
    cpuSeconds: z.number().nonnegative(),
    bytesSent: z.number().int().positive(),
    bytesReceived: z.number().int().positive(),
    segments: z.array(segmentEvent),
    peers: z.array(
      z.strictObject({
        peer: z.string(),
        name: z.string(),
        segments: z.number().int().positive(),
        frames: z.number().int().positive(),
        encodeSeconds: z.number().positive(),
      }),
    ),
    phases: z.record(z.string(), z.number()),
  }),
])

describe('two workers and a coordinator', () => {
  test('make the file of a single run, frame by frame, and say so as documented', async () => {
    const workers = await Promise.all([startWorker(lab, { name: 'one' }), startWorker(lab, { name: 'two' })])
    const job = await startEncode(lab, {
      params: LOSSLESS,
      connect: workers,
      args: ['--peers', '2', '--segment-time', '1'],
    })
    await expectExact(lab, job)
    expect(makersOf(job).sort()).toEqual(workers.map(({ peer }) => peer).sort())
    const events = job.process.events.map((event) => jobEvent.parse(event))
    expect(events.at(-1)).toMatchObject({ event: 'done', frames: 250, output: job.output })
    const done = events.find((event) => event.event === 'done')
    const segments = done?.segments ?? []
    expect(segments.reduce((sum, { frames }) => sum + frames, 0)).toBe(250)
    expect(segments.map(({ index }) => index)).toEqual(segments.map((_, place) => place))
    // Half-open ranges that follow each other: where one ends the next begins.
    expect(segments.slice(1).map(({ startPts }) => startPts)).toEqual(
      segments.slice(0, -1).map(({ endPts }) => endPts),
    )
    expect(done?.peers.map(({ name }) => name).sort()).toEqual(['one', 'two'])
    for (const { index } of segments) {
      const states = events.flatMap((event) =>
        event.event === 'segment' && event.index === index ? [event.state] : [],
      )
      expect(states, `segment ${index}`).toEqual(['assigned', 'encoding', 'encoded', 'verified'])
    }
  })

  test('leave nothing in the workers’ homes when these end', async () => {
    const worker = await startWorker(lab)
    const job = await startEncode(lab, { params: LOSSLESS, connect: [worker], args: ['--peers', '1'] })
    await expectExact(lab, job)
    worker.process.signal('SIGINT')
    expect((await worker.process.ended).exitCode).toBe(0)
    expect(leftIn(worker.home)).toEqual([])
  })

  test('with nobody else, --local alone makes the same frames', async () => {
    const job = await startEncode(lab, { params: LOSSLESS })
    await expectExact(lab, job)
    expect(makersOf(job)).toHaveLength(1)
  })

  test('cut by time instead of at keyframes, make the same frames', async () => {
    const worker = await startWorker(lab)
    const job = await startEncode(lab, {
      params: LOSSLESS,
      connect: [worker],
      args: ['--no-local', '--no-exactly', '--segment-time', '1.3'],
    })
    await expectExact(lab, job)
    expect(makersOf(job)).toEqual([worker.peer])
  })
})

test('a node that comes in the middle of a job is put to work', async () => {
  const first = await startWorker(lab)
  const port = await freePort()
  const job = await startEncode(lab, {
    params: SLOW_LOSSLESS,
    network: ['--no-mdns', '--listen', `/ip4/127.0.0.1/tcp/${port}`],
    connect: [first],
    args: ['--no-local', '--segment-time', '0.5'],
  })
  await job.process.event(({ event, state }) => event === 'segment' && state === 'verified')
  const late = await startWorker(lab, {
    args: [...LOOPBACK, '--connect', `127.0.0.1:${port}`],
  })
  await expectExact(lab, job)
  expect(makersOf(job).sort()).toEqual([first.peer, late.peer].sort())
})

async function rowOf(worker: LabNode): Promise<unknown> {
  const { stdout } = await runCli(
    ['peers', '--json', '--timeout', '2', ...LOOPBACK, '--connect', worker.addresses[0] ?? ''],
    { env: { FFSWARM_HOME: `${lab.directory}/observer` } },
  )
  const rows = stdout.trim().split('\n')
  return rows.map((line) => JSON.parse(line)).find(({ peer }) => peer === worker.peer)
}

test('two jobs share one worker, and peers tells so', async () => {
  const worker = await startWorker(lab)
  const [first, second] = await Promise.all(
    ['one', 'two'].map((name) =>
      startEncode(lab, {
        params: '-c:v libx264 -qp 0 -preset slow -threads 1',
        connect: [worker],
        args: ['--no-local', '--segment-time', '1', '--name', name],
      }),
    ),
  )
  if (first === undefined || second === undefined) throw new Error('two jobs were started')
  const verified = ({ event, state }: Record<string, unknown>) => event === 'segment' && state === 'verified'
  await Promise.all([first, second].map(({ process }) => process.event(verified)))
  // Between two tasks it may stand idle for a moment.
  await expect
    .poll(() => rowOf(worker), { timeout: 30_000, interval: 100 })
    .toMatchObject({ state: 'working', serving: [{ name: expect.stringMatching(/^(one|two)$/) }] })
  await Promise.all([first, second].map((job) => expectExact(lab, job)))
  // While both wanted it, neither had it for long alone.
  const turns = worker.process.events.filter(({ event, state }) => event === 'task' && state === 'encoded')
  const both = turns.slice(0, Math.floor(turns.length / 2)).map(({ coordinator }) => coordinator)
  const [a] = both
  const ofOne = both.filter((coordinator) => coordinator === a).length
  expect(ofOne / both.length).toBeGreaterThan(0.3)
  expect(ofOne / both.length).toBeLessThan(0.7)
})

test('two workers of one user share a home and are two peers', async () => {
  const first = await startWorker(lab)
  const second = await startWorker(lab, { home: first.home })
  expect(second.peer).not.toBe(first.peer)
  const job = await startEncode(lab, {
    params: LOSSLESS,
    home: first.home,
    connect: [first, second],
    args: ['--peers', '2', '--segment-time', '1'],
  })
  expect((await job.process.ended).exitCode).toBe(0)
  expect(makersOf(job).sort()).toEqual([first.peer, second.peer].sort())
})

test('a node keeps its PeerId over a restart', async () => {
  const first = await startWorker(lab)
  first.process.signal('SIGINT')
  await first.process.ended
  const again = await startWorker(lab, { home: first.home })
  expect(again.peer).toBe(first.peer)
})

test('nodes of another swarm are not worked with', async () => {
  const stranger = await startWorker(lab, {
    args: [...LOOPBACK, '--swarm', 'other'],
  })
  const job = await startEncode(lab, {
    params: LOSSLESS,
    connect: [stranger],
    args: ['--peers', '1', '--wait', '3'],
  })
  const { exitCode } = await job.process.ended
  expect(exitCode).toBe(1)
  expect(job.process.events.at(-1)).toMatchObject({ event: 'failed', code: 'PEERS_MISSING' })
  expectNothingLeft(job)
})

test('peers tells who is there', async () => {
  const workers = await Promise.all([startWorker(lab, { name: 'one' }), startWorker(lab, { name: 'two' })])
  const { stdout, exitCode } = await runCli(
    [
      ...['peers', '--json', '--timeout', '3', ...LOOPBACK],
      ...workers.flatMap(({ addresses }) => ['--connect', addresses[0] ?? '']),
    ],
    { env: { FFSWARM_HOME: `${lab.directory}/observer` } },
  )
  expect(exitCode).toBe(0)
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(rows.map(({ name }) => name).sort()).toEqual(['one', 'two'])
  for (const row of rows) {
    expect(workers.map(({ peer }) => peer)).toContain(row.peer)
    expect(row).toMatchObject({ role: 'worker', state: 'idle', slots: 1, busySlots: 0 })
    expect(row.encoders).toContain('libx264')
    expect(row.cores).toBeGreaterThan(0)
    expect(row.rttMs).toBeGreaterThanOrEqual(0)
    expect(row.addresses.length).toBeGreaterThan(0)
  }
})
