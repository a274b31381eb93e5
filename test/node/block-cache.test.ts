import { expect, test } from 'vitest'
import { BlockCache } from '../../src/node/worker/block-cache.ts'

interface CacheShape {
  sizeBytes?: number
  blockBytes?: number
  blocksMax?: number
  /** Of the pieces in which a block comes; undefined: in one. */
  pieceBytes?: number
}

function split(bytes: Uint8Array, length: number): Uint8Array[] {
  const count = Math.ceil(bytes.length / length)
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * length, (at + 1) * length))
}

function makeCache({ sizeBytes = 1000, blockBytes = 100, blocksMax = 4, pieceBytes }: CacheShape = {}) {
  const asked: number[] = []
  const signals: AbortSignal[] = []
  let fails = false
  const cache = new BlockCache({
    sizeBytes,
    blockBytes,
    blocksMax,
    async read(offset, length, { signal }) {
      asked.push(offset)
      signals.push(signal)
      if (fails) throw new Error('lost')
      const bytes = Uint8Array.from({ length }, (_, place) => (offset + place) % 251)
      return pieceBytes === undefined ? [bytes] : split(bytes, pieceBytes)
    },
  })
  return {
    cache,
    asked,
    signals,
    setFailing(value: boolean) {
      fails = value
    },
  }
}

test('reads from the place that is asked for to the end of its block', async () => {
  const { cache } = makeCache()
  const bytes = await cache.read(130)
  expect(bytes).toHaveLength(70)
  expect(bytes[0]).toBe(130)
})

test('reads no further than the piece goes, so that nothing is copied', async () => {
  const { cache, asked } = makeCache({ pieceBytes: 30 })
  const read: number[] = []
  for (let offset = 105; offset < 200; ) {
    const bytes = await cache.read(offset)
    expect(bytes.length).toBeGreaterThan(0)
    read.push(...bytes)
    offset += bytes.length
  }
  expect(read).toEqual(Array.from({ length: 95 }, (_, at) => 105 + at))
  expect(asked).toEqual([100])
})

test('asks for the last block no further than the file goes, and behind it for nothing', async () => {
  const { cache, asked } = makeCache({ sizeBytes: 950 })
  expect(await cache.read(900)).toHaveLength(50)
  expect(await cache.read(950)).toHaveLength(0)
  expect(await cache.read(5_000)).toHaveLength(0)
  expect(asked).toEqual([900])
})

test('fetches a block once for all who read it, at the same time or later', async () => {
  const { cache, asked } = makeCache()
  await Promise.all([cache.read(0), cache.read(50), cache.read(99)])
  await cache.read(10)
  expect(asked).toEqual([0])
})

test('forgets the block that was used longest ago', async () => {
  const { cache, asked } = makeCache({ blocksMax: 2 })
  await cache.read(0)
  await cache.read(100)
  await cache.read(0)
  await cache.read(200)
  asked.length = 0
  await cache.read(0)
  expect(asked).toEqual([])
  await cache.read(100)
  expect(asked).toEqual([100])
})

test('fetches ahead the blocks that begin in a range, each once and none behind the last', async () => {
  const { cache, asked } = makeCache({ sizeBytes: 350 })
  cache.fetchAhead(1, 100)
  expect(asked).toEqual([])
  cache.fetchAhead(1, 201)
  expect(asked).toEqual([100, 200])
  cache.fetchAhead(100, 1000)
  expect(asked).toEqual([100, 200, 300])
  await cache.read(150)
  expect(asked).toEqual([100, 200, 300])
})

test('tells how far its blocks go on from a place', async () => {
  const { cache } = makeCache({ sizeBytes: 350 })
  expect(cache.endOfKnown(101)).toBe(200)
  expect(cache.endOfKnown(200)).toBe(200)
  cache.fetchAhead(100, 301)
  expect(cache.endOfKnown(1)).toBe(350)
  expect(cache.endOfKnown(100)).toBe(350)
  expect(cache.endOfKnown(350)).toBe(350)
})

test('does not keep a failure: the next reader tries anew', async () => {
  const { cache, asked, setFailing } = makeCache()
  setFailing(true)
  await expect(cache.read(0)).rejects.toThrow('lost')
  setFailing(false)
  expect(await cache.read(0)).toHaveLength(100)
  expect(asked).toEqual([0, 0])
})

test('fetching ahead that fails fails nobody', async () => {
  const { cache, setFailing } = makeCache()
  setFailing(true)
  cache.fetchAhead(0, 100)
  setFailing(false)
  await expect(cache.read(500)).resolves.toHaveLength(100)
})

test('ends what it is fetching when it is closed', async () => {
  const { cache, signals } = makeCache()
  await cache.read(0)
  expect(signals[0]?.aborted).toBe(false)
  cache.close()
  expect(signals[0]?.aborted).toBe(true)
})
