import '../../src/polyfill.ts'
import type { PeerId } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { Worker, type WorkerInit } from '../../src/node/worker/index.ts'
import type { SegmentOffer } from '../../src/protocols/segment/index.ts'

const peer = { toString: () => 'coordinator' } as PeerId
let isLoaded = false
const offer = (format: string) => ({ source: { format }, container: 'mp4' }) as SegmentOffer
const worker = () =>
  new Worker({ capacity: { slots: 1 }, isLoaded: () => isLoaded, now: () => 0 } as unknown as WorkerInit)

test.each(['hls', 'concat', 'lavfi', 'dash', 'image2'])(
  'a source as %s, by which ffmpeg would open other files and addresses, is refused',
  (format) => {
    expect(worker().admit(offer(format), peer)).toMatchObject({ code: 'FORMAT' })
  },
)

test.each(['mov', 'matroska', 'mpegts', 'avi'])('a source as %s is taken', (format) => {
  expect(worker().admit(offer(format), peer)).toBeUndefined()
})

test('a worker that drains takes nothing, and is through when nothing was begun', async () => {
  const leaving = worker()
  await leaving.drain()
  expect(leaving.admit(offer('mov'), peer)).toMatchObject({ code: 'DRAINING' })
})

test('a worker whose owner needs the machine takes nothing', () => {
  isLoaded = true
  expect(worker().admit(offer('mov'), peer)).toMatchObject({ code: 'LOADED' })
  isLoaded = false
})
