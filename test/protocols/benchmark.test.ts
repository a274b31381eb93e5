import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import {
  type Benchmark,
  type BenchmarkInit,
  type BenchmarkRequest,
  benchmark,
} from '../../src/protocols/benchmark/index.ts'
import { codeOf, connect, createNode } from './support/nodes.ts'

const REQUEST: BenchmarkRequest = {
  params: ['-c:v', 'libx264'],
  width: 1280,
  height: 720,
  frameRate: [24_000, 1001],
  seconds: 2,
}

async function pair(init: BenchmarkInit) {
  const [worker, asker] = await Promise.all([
    createNode<{ benchmark: Benchmark }>({ benchmark: benchmark(init) }),
    createNode<{ benchmark: Benchmark }>({ benchmark: benchmark() }),
  ])
  await connect(asker, worker)
  return {
    worker,
    asker,
    measure: asker.services.benchmark.measure.bind(asker.services.benchmark, worker.peerId),
  }
}

test('a request arrives exactly and its rate comes back', async () => {
  const requests: BenchmarkRequest[] = []
  const { measure } = await pair({
    run: async (request) => {
      requests.push(request)
      return { frames: 48, seconds: 0.5 }
    },
  })
  expect(await measure(REQUEST)).toEqual({ frames: 48, seconds: 0.5, fps: 96 })
  expect(requests).toEqual([REQUEST])
})

test('one benchmark runs at a time', async () => {
  const { measure } = await pair({
    run: async () => {
      await sleep(200)
      return { frames: 1, seconds: 1 }
    },
  })
  const first = measure(REQUEST)
  await sleep(50)
  await expect(measure(REQUEST)).rejects.toMatchObject({ failure: { code: 'REFUSED', reason: 'BUSY' } })
  await first
  expect((await measure(REQUEST)).frames).toBe(1)
})

test('a failure is told by its code; a node without a benchmark refuses', async () => {
  const { measure, worker, asker } = await pair({
    run: async () => {
      throw Object.assign(new Error('x'), { code: 'ENCODER_MISSING' })
    },
  })
  await expect(measure(REQUEST)).rejects.toMatchObject({
    failure: { code: 'FAILED', reason: 'ENCODER_MISSING' },
  })
  await expect(worker.services.benchmark.measure(asker.peerId, REQUEST)).rejects.toMatchObject({
    failure: { code: 'REFUSED', reason: 'NOT_A_WORKER' },
  })
})

test('whoever asked and went away stops the work', async () => {
  let stopped = false
  const controller = new AbortController()
  const { measure } = await pair({
    run: async (_request, _peer, { signal }) => {
      setTimeout(() => controller.abort(new Error('enough')), 50)
      await sleep(60_000, undefined, { signal, ref: false }).catch(() => {
        stopped = true
      })
      return { frames: 0, seconds: 0 }
    },
  })
  const measured = measure(REQUEST, { signal: controller.signal })
  await expect(measured).rejects.toThrow('enough')
  await expect.poll(() => stopped).toBe(true)
})

test('a request outside the bounds never leaves', async () => {
  const { measure } = await pair({ run: async () => ({ frames: 0, seconds: 0 }) })
  expect(await codeOf(measure({ ...REQUEST, width: 20_000 }))).not.toBe('no failure')
  expect(await codeOf(measure({ ...REQUEST, seconds: 61 }))).not.toBe('no failure')
})
