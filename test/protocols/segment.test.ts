import { setTimeout as sleep } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p } from '@libp2p/interface'
import { pEvent } from 'p-event'
import { describe, expect, test } from 'vitest'
import {
  SEGMENT_PROTOCOL,
  type Segment,
  type SegmentContext,
  type SegmentHandler,
  type SegmentInit,
  type SegmentOffer,
  type SegmentOutcome,
  type SegmentProgress,
  type SegmentResult,
  segment,
} from '../../src/protocols/segment/index.ts'
import { codeOf, connect, createNode } from './support/nodes.ts'

const OFFER: SegmentOffer = {
  job: 'job-1',
  task: 3,
  attempt: 0,
  source: {
    blob: 'src',
    sizeBytes: 2 ** 40,
    format: 'matroska',
    stream: 0,
    bytes: [0, 2 ** 40],
    x264Build: 148,
  },
  startPts: -9_007_199_254_740_993n,
  endPts: 9_223_372_036_854_775_807n,
  filtered: null,
  retiming: null,
  timeBase: [1, 90_000],
  seekPts: [10n, null],
  zeroMicroseconds: 1n,
  startMicroseconds: 0n,
  encoderTimeBase: [1, 24],
  expected: { frames: 24, ptsDigest: 'a'.repeat(64), picture: '1920x1080 yuv420p10le' },
  params: ['-c:v', 'libx264'],
  container: 'mp4',
  inBandHeaders: false,
}

const RESULT: SegmentResult = {
  blob: 'result-3',
  sizeBytes: 1234,
  sha256: 'b'.repeat(64),
  frames: 24,
  encodeMs: 12.5,
  seekIndex: 0,
  complaints: 0,
  cpuMs: 30,
}

/** A worker whose handler is `work`, what it was offered and how that ended; and a coordinator. */
async function swarm(
  work: (context: SegmentContext) => Promise<SegmentResult>,
  init: SegmentInit & Pick<Partial<SegmentHandler>, 'admit'> = {},
) {
  const offers: SegmentOffer[] = []
  const outcomes: SegmentOutcome[] = []
  const away: boolean[] = []
  const handler: SegmentHandler = {
    admit: init.admit ?? (() => undefined),
    onAway: (_offer, _peer, isAway) => void away.push(isAway),
    onOffer: async (offer, _, context) => {
      offers.push(offer)
      return await work(context)
    },
    onSettled: (_offer, _peer, outcome) => void outcomes.push(outcome),
  }
  const { leaseMs = 2_000, heartbeatMs = 100, ...rest } = init
  const [worker, coordinator] = await Promise.all([
    createNode<{ segment: Segment }>({ segment: segment({ ...rest, heartbeatMs, handler }) }),
    createNode<{ segment: Segment }>({ segment: segment({ leaseMs }) }),
  ])
  await connect(coordinator, worker)
  const offer = coordinator.services.segment.offer.bind(coordinator.services.segment, worker.peerId)
  const streams = () =>
    [worker, coordinator].flatMap((node) => node.getConnections()).flatMap((link) => link.streams).length
  return { worker, coordinator, offer, offers, outcomes, away, streams }
}

/** Work that lasts until the attempt is cancelled or lost. */
async function untilAborted({ signal }: SegmentContext): Promise<SegmentResult> {
  await sleep(60_000, undefined, { signal, ref: false })
  return RESULT
}

test('an offer arrives exactly, its progress comes back, its result is acknowledged', async () => {
  const { offer, offers, outcomes, streams } = await swarm(async ({ onProgress }) => {
    onProgress({ frames: 1, fps: 2 })
    onProgress({ frames: 12, fps: 24.5 })
    await sleep(250)
    return RESULT
  })
  const progress: SegmentProgress[] = []
  let accepted = 0
  const attempt = await offer(OFFER, { onProgress: (p) => progress.push(p), onAccepted: () => accepted++ })
  expect(accepted).toBe(1)
  expect(await attempt.result).toEqual(RESULT)
  // The newest in each heartbeat, and only news.
  expect(progress).toEqual([{ frames: 12, fps: 24.5 }])
  expect(outcomes).toEqual([])
  await attempt.acknowledge()
  await expect.poll(() => outcomes).toEqual(['acknowledged'])
  expect(offers).toEqual([OFFER])
  await expect.poll(streams).toBe(0)
})

test('a refusal tells its reason, and nothing is settled', async () => {
  const { offer, outcomes, streams } = await swarm(untilAborted, {
    admit: ({ task }) => (task === 3 ? { code: 'NO_SLOT', message: 'all\u0007 busy' } : undefined),
  })
  await expect(offer(OFFER)).rejects.toMatchObject({
    failure: { code: 'REFUSED', reason: 'NO_SLOT', detail: 'all busy' },
  })
  const attempt = await offer({ ...OFFER, task: 4 })
  attempt.cancel()
  await expect.poll(() => outcomes).toEqual(['cancelled'])
  await expect.poll(streams).toBe(0)
})

test('a node without a handler refuses', async () => {
  const [a, b] = await Promise.all([
    createNode<{ segment: Segment }>({ segment: segment() }),
    createNode<{ segment: Segment }>({ segment: segment() }),
  ])
  await connect(a, b)
  await expect(a.services.segment.offer(b.peerId, OFFER)).rejects.toMatchObject({
    failure: { code: 'REFUSED', reason: 'NOT_A_WORKER' },
  })
})

test('what the handler throws is told by its code', async () => {
  const { offer, outcomes, streams } = await swarm(async () => {
    throw Object.assign(new Error('no such encoder'), { code: 'ENCODER_MISSING' })
  })
  const attempt = await offer(OFFER)
  await expect(attempt.result).rejects.toMatchObject({
    failure: { code: 'FAILED', reason: 'ENCODER_MISSING', detail: 'no such encoder' },
  })
  await expect.poll(() => outcomes).toEqual(['failed'])
  await expect.poll(streams).toBe(0)
})

test('a result or progress that is none is a failure of the worker', async () => {
  const { offer } = await swarm(async () => ({ ...RESULT, sha256: 'short' }))
  await expect((await offer(OFFER)).result).rejects.toMatchObject({
    failure: { code: 'FAILED', reason: 'INTERNAL' },
  })
  const other = await swarm(async ({ onProgress }) => {
    onProgress({ frames: 1, fps: Number.NaN })
    return RESULT
  })
  await expect((await other.offer(OFFER)).result).rejects.toMatchObject({ code: 'FAILED' })
})

test('a wrong result is rejected', async () => {
  const { offer, outcomes } = await swarm(async () => RESULT)
  const attempt = await offer(OFFER)
  await attempt.result
  await attempt.reject('FRAME_COUNT')
  await expect.poll(() => outcomes).toEqual(['rejected'])
  expect(await codeOf(attempt.acknowledge())).toBe('DISCONNECTED')
})

test('cancel aborts the work, and the result fails', async () => {
  const { offer, outcomes } = await swarm(untilAborted)
  const attempt = await offer(OFFER)
  attempt.cancel()
  attempt.cancel()
  expect(await codeOf(attempt.result)).toBe('DISCONNECTED')
  await expect.poll(() => outcomes).toEqual(['cancelled'])
})

test("the signal of an offer cancels its attempt with the caller's reason", async () => {
  const { offer, outcomes } = await swarm(untilAborted)
  const controller = new AbortController()
  const attempt = await offer(OFFER, { signal: controller.signal })
  const reason = new Error('job is done')
  controller.abort(reason)
  await expect(attempt.result).rejects.toBe(reason)
  await expect.poll(() => outcomes).toEqual(['cancelled'])
})

test('a coordinator that stays away has the work given up', async () => {
  const { offer, outcomes, coordinator } = await swarm(untilAborted, { detachedMs: 300 })
  await offer(OFFER)
  await coordinator.stop()
  expect(outcomes).toEqual([])
  await expect.poll(() => outcomes).toEqual(['lost'])
})

test('a worker whose program has ended fails the attempt long before its lease is over', async () => {
  const { offer, worker, outcomes } = await swarm(untilAborted, { leaseMs: 60_000 })
  const attempt = await offer(OFFER)
  await worker.stop()
  expect(await codeOf(attempt.result)).toBe('DISCONNECTED')
  await expect.poll(() => outcomes).toEqual(['lost'])
})

test('heartbeats keep the lease of a worker that has nothing to tell', async () => {
  const { offer } = await swarm(
    async () => {
      await sleep(1_500)
      return RESULT
    },
    { leaseMs: 500, heartbeatMs: 50 },
  )
  const attempt = await offer(OFFER)
  expect(await attempt.result).toEqual(RESULT)
  // Nor does it run out while the result is being verified.
  await sleep(1_000)
  await attempt.acknowledge()
})

test('the lease of a silent worker expires', async () => {
  const { offer, outcomes } = await swarm(untilAborted, { leaseMs: 300, heartbeatMs: 60_000 })
  const attempt = await offer(OFFER)
  expect(await codeOf(attempt.result)).toBe('LEASE_EXPIRED')
  await expect.poll(() => outcomes).toEqual(['cancelled'])
})

describe('a connection that breaks', () => {
  async function breakConnections(node: Libp2p): Promise<void> {
    for (const connection of node.getConnections()) connection.abort(new Error('the cable is cut'))
    await expect.poll(() => node.getConnections()).toEqual([])
  }

  test('is a pause for the work, which goes on', async () => {
    const { offer, offers, outcomes, coordinator } = await swarm(async ({ onProgress }) => {
      onProgress({ frames: 5, fps: 1 })
      await sleep(2_000)
      return RESULT
    })
    const progress: SegmentProgress[] = []
    const attempt = await offer(OFFER, { onProgress: (p) => progress.push(p) })
    await expect.poll(() => progress.length).toBe(1)
    await breakConnections(coordinator)
    // Whoever comes back is told at once how far it is.
    await expect.poll(() => progress.length, { timeout: 1_900 }).toBe(2)
    expect(await attempt.result).toEqual(RESULT)
    await attempt.acknowledge()
    await expect.poll(() => outcomes).toEqual(['acknowledged'])
    expect(offers).toHaveLength(1)
  })

  test('loses no result: it is there when the coordinator is back, and can be judged', async () => {
    const { offer, offers, outcomes, coordinator } = await swarm(async () => RESULT)
    const attempt = await offer(OFFER)
    await attempt.result
    for (let breaks = 0; breaks < 3; breaks++) await breakConnections(coordinator)
    await attempt.acknowledge()
    await expect.poll(() => outcomes).toEqual(['acknowledged'])
    expect(offers).toHaveLength(1)
  })

  test('for good ends with the lease', async () => {
    const { offer, worker, coordinator } = await swarm(untilAborted, { leaseMs: 1_000, detachedMs: 1_000 })
    const attempt = await offer(OFFER)
    await worker.unhandle(SEGMENT_PROTOCOL)
    await breakConnections(coordinator)
    expect(await codeOf(attempt.result)).toBe('LEASE_EXPIRED')
    expect(await codeOf(attempt.acknowledge())).toBe('DISCONNECTED')
  })

  test('does not keep a worker that wants to leave', async () => {
    const { offer, worker, coordinator, outcomes } = await swarm(async () => RESULT)
    await (await offer(OFFER)).result
    await coordinator.stop()
    worker.services.segment.hurry()
    await expect.poll(() => outcomes, { timeout: 8_000 }).toEqual(['lost'])
  })

  test('before a cancellation is heard ends the work all the same', async () => {
    const { offer, outcomes, worker, coordinator } = await swarm(untilAborted, { detachedMs: 500 })
    const attempt = await offer(OFFER)
    await breakConnections(worker)
    attempt.cancel()
    await breakConnections(coordinator)
    expect(await codeOf(attempt.result)).toBe('DISCONNECTED')
    await expect.poll(() => outcomes).toHaveLength(1)
  })
})

describe('a coordinator that was started again', () => {
  async function restarted(
    work: (context: SegmentContext) => Promise<SegmentResult>,
    init: SegmentInit = {},
  ) {
    const first = await swarm(work, init)
    const privateKey = await generateKeyPair('Ed25519')
    const start = async () => {
      const node = await createNode<{ segment: Segment }>(
        { segment: segment({ leaseMs: 2_000 }) },
        { privateKey },
      )
      await connect(node, first.worker)
      return node
    }
    return { ...first, start }
  }

  test('has a place only while it is there, but for a short absence', async () => {
    const { worker, away, offers, outcomes, start } = await restarted(untilAborted, { awayMs: 500 })
    const before = await start()
    await before.services.segment.offer(worker.peerId, OFFER)
    await before.stop()
    expect(away).toEqual([])
    await expect.poll(() => away, { timeout: 5_000 }).toEqual([true])
    const after = await start()
    const attempt = await after.services.segment.offer(worker.peerId, OFFER)
    expect(away).toEqual([true, false])
    expect(offers).toHaveLength(1)
    attempt.cancel()
    await expect.poll(() => outcomes).toEqual(['cancelled'])
    expect(away).toEqual([true, false])
  })

  test('gets what its worker has in hand, when it asks for the same', async () => {
    const { worker, offers, outcomes, start } = await restarted(async () => RESULT)
    const before = await start()
    await (await before.services.segment.offer(worker.peerId, OFFER)).result
    await before.stop()
    const after = await start()
    const attempt = await after.services.segment.offer(worker.peerId, { ...OFFER, attempt: 7 })
    expect(await attempt.result).toEqual(RESULT)
    expect(offers).toHaveLength(1)
    await attempt.acknowledge()
    await expect.poll(() => outcomes).toEqual(['acknowledged'])
    // What is settled is begun anew.
    await (await after.services.segment.offer(worker.peerId, OFFER)).result
    expect(offers).toHaveLength(2)
  })

  test('gets nothing that was made for another offer, or for another coordinator', async () => {
    const { worker, offer, offers, start } = await restarted(async () => RESULT)
    const node = await start()
    await (await node.services.segment.offer(worker.peerId, OFFER)).result
    await (await node.services.segment.offer(worker.peerId, { ...OFFER, startPts: 0n })).result
    await (await offer(OFFER)).result
    expect(offers).toHaveLength(3)
  })

  test('takes the place of the one that the worker still takes for alive', async () => {
    const { worker, offers, start } = await restarted(async () => {
      await sleep(1_000)
      return RESULT
    })
    const [before, after] = [await start(), await start()]
    await before.services.segment.offer(worker.peerId, OFFER)
    const attempt = await after.services.segment.offer(worker.peerId, OFFER)
    await before.stop()
    expect(await attempt.result).toEqual(RESULT)
    await attempt.acknowledge()
    expect(offers).toHaveLength(1)
  })
})

test('a result that nobody judges is let go of', async () => {
  const { offer, outcomes } = await swarm(async () => RESULT, { retainMs: 200 })
  const attempt = await offer(OFFER)
  await attempt.result
  await expect.poll(() => outcomes).toEqual(['lost'])
})

test('an offer that is malformed or too large ends its stream, and the worker works on', async () => {
  const { coordinator, worker, offer, offers } = await swarm(async () => RESULT)
  for (const bytes of [
    Buffer.from('\u0002{}'),
    Buffer.concat([Buffer.from([0x80, 0x80, 0x08]), Buffer.alloc(100_000)]),
  ]) {
    const stream = await coordinator.dialProtocol(worker.peerId, SEGMENT_PROTOCOL)
    const closed = pEvent(stream, 'close')
    stream.send(bytes)
    await closed
  }
  const attempt = await offer(OFFER)
  await attempt.result
  await attempt.acknowledge()
  expect(offers.length).toBe(1)
})

test('an offer that is not valid here never leaves', async () => {
  const { offer, offers } = await swarm(async () => RESULT)
  await expect(offer({ ...OFFER, source: { ...OFFER.source, format: '../x' } })).rejects.toThrow()
  await expect(offer({ ...OFFER, startPts: 2n ** 63n })).rejects.toThrow()
  expect(offers).toEqual([])
})

test('a worker may tell no more than its protocol allows', async () => {
  const { coordinator } = await swarm(async () => RESULT)
  const worker = await createNode({})
  await worker.handle(SEGMENT_PROTOCOL, async (stream) => {
    const accepted = Buffer.from('{"type":"accepted"}')
    stream.send(Buffer.concat([Buffer.from([accepted.length]), accepted]))
    await sleep(50)
    stream.send(Buffer.concat([Buffer.from([0x80, 0x80, 0x02]), Buffer.alloc(40_000, 'x')]))
  })
  await connect(coordinator, worker)
  const attempt = await coordinator.services.segment.offer(worker.peerId, OFFER)
  expect(await codeOf(attempt.result)).toBe('MESSAGE_TOO_LARGE')
})

test('many attempts run at once on one connection', async () => {
  const { offer, outcomes, streams } = await swarm(async () => {
    await sleep(100)
    return RESULT
  })
  await Promise.all(
    Array.from({ length: 100 }, async (_, task) => {
      const attempt = await offer({ ...OFFER, task })
      await attempt.result
      await attempt.acknowledge()
    }),
  )
  await expect.poll(() => outcomes.length).toBe(100)
  expect(new Set(outcomes)).toEqual(new Set(['acknowledged']))
  await expect.poll(streams).toBe(0)
})
