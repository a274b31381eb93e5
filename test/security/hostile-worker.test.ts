/**
 * A worker that means harm, beside a real coordinator: whatever it sends back instead of a segment is refused with a code, and the film is
 * exact all the same.
 */
import '../helpers/fast-tools.ts'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterEach, expect, test } from 'vitest'
import { createSwarmNode } from '../../src/node/libp2p.ts'
import { type BlobContent, blob } from '../../src/protocols/blob/index.ts'
import { type Hello, hello } from '../../src/protocols/hello/index.ts'
import { type SegmentContext, type SegmentResult, segment } from '../../src/protocols/segment/index.ts'
import { capabilities, ffmpeg } from '../helpers/ffmpeg.ts'
import { expectExact, type LabNode, LOSSLESS, startEncode, useLab } from '../helpers/swarm.ts'

const lab = useLab()

const SELF: Hello = {
  ...{ protocolVersion: 1, software: 'ffswarm/0.1.0', name: 'mallory', swarm: 'default', role: 'worker' },
  ...{ state: 'idle', host: '', cpus: [], cores: 1, slots: 1, busySlots: 0, serving: [] },
  ffmpeg: { version: '7.0', encoders: [...capabilities.videoEncoders].slice(0, 512) },
}

/** What a worker does instead of its work. */
interface Harm {
  /** The bytes that it serves as its result. */
  bytes?(): Promise<Buffer> | Buffer
  /** What it says of them. */
  claims?: Partial<SegmentResult>
  read?: BlobContent['read']
  work?(context: SegmentContext): Promise<void>
  /** How many slots it says it has. */
  slots?: number
}

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

async function startMallory({
  bytes = () => Buffer.alloc(1000),
  claims = {},
  read,
  work,
  slots = 1,
}: Harm): Promise<LabNode> {
  const content = await bytes()
  const node = await createSwarmNode({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    services: {
      hello: hello({ local: () => ({ ...SELF, slots }) }),
      blob: blob({
        resolve: (id) =>
          id === 'result'
            ? {
                sizeBytes: claims.sizeBytes ?? content.length,
                read: read ?? (async (offset, length) => content.subarray(offset, offset + length)),
              }
            : undefined,
      }),
      segment: segment({
        handler: {
          admit: () => undefined,
          async onOffer({ expected }, _peer, context) {
            await work?.(context)
            return {
              ...{ blob: 'result', sizeBytes: content.length, frames: expected.frames, encodeMs: 100 },
              sha256: createHash('sha256').update(content).digest('hex'),
              ...{ seekIndex: 0, complaints: 0, cpuMs: 100, ...claims },
            }
          },
          onSettled: () => {},
        },
      }),
    },
  })
  stops.push(async () => await node.stop())
  const addresses = node.getMultiaddrs().map(String)
  return { process: undefined as never, home: '', peer: node.peerId.toString(), addresses }
}

/** A segment of its own making. */
async function made(name: string, ...words: string[]): Promise<Buffer> {
  const path = join(lab.directory, `${name}.mp4`)
  await ffmpeg(
    '-f',
    'lavfi',
    '-i',
    'testsrc2=s=192x108:r=25:d=1',
    ...words,
    '-video_track_timescale',
    '12800',
    path,
  )
  return await readFile(path)
}

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast']

const HARMS: readonly [string, RegExp, Harm][] = [
  ['noise', /^(TOOL_EXIT|SEGMENT_FRAMES)$/, { bytes: () => Buffer.alloc(50_000, 0x5a) }],
  ['nothing', /^[A-Z_]+$/, { bytes: () => Buffer.alloc(0) }],
  [
    'a playlist of this machine’s files',
    /^(TOOL_EXIT|SEGMENT_FRAMES)$/,
    { bytes: () => Buffer.from('#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n') },
  ],
  ['another film', /^SEGMENT_/, { bytes: () => made('other', ...X264) }],
  ['a film of another size', /^SEGMENT_/, { bytes: () => made('small', '-vf', 'scale=64:36', ...X264) }],
  ['a film without end', /^[A-Z_]+$/, { claims: { sizeBytes: 2 ** 50 } }],
  [
    'sound beside its pictures, which the film would get as well',
    /^SEGMENT_STREAMS$/,
    { bytes: () => made('loud', '-f', 'lavfi', '-i', 'sine=duration=1', ...X264, '-c:a', 'aac') },
  ],
  ['a blob that is not there', /^UNKNOWN_BLOB$/, { claims: { blob: 'elsewhere' } }],
  ['other bytes than it said', /^SHA256$/, { claims: { sha256: 'a'.repeat(64) } }],
  ['fewer bytes than it said', /^[A-Z_]+$/, { claims: { sizeBytes: 5_000 } }],
  [
    'an error for each read',
    /^BLOB_UNREADABLE$/,
    {
      read: async () => {
        throw new Error('\x1b[2Jno')
      },
    },
  ],
  [
    'a failure in words that clear the screen',
    /^INTERNAL$/,
    {
      work: async () => {
        throw new Error('\x1b[2J\x1b]0;owned\x07 all is well')
      },
    },
  ],
]

test.each(HARMS)('%s', { timeout: 60_000 }, async (_, code, harm) => {
  const mallory = await startMallory(harm)
  const job = await startEncode(lab, {
    params: LOSSLESS,
    connect: [mallory],
    args: ['--peers', '1', '--local', '--segment-time', '2', '--slots', '1'],
  })
  await expectExact(lab, job)
  const { events } = job.process
  const failed = events.filter(
    ({ event, state, peer }) => event === 'segment' && state === 'failed' && peer === mallory.peer,
  )
  expect(failed.length).toBeGreaterThan(0)
  for (const { code: told, detail } of failed) {
    expect(told).toMatch(code)
    expect(String(detail)).not.toMatch(/\p{Cc}/u)
  }
  const verified = events.filter(
    ({ event, state, peer }) => event === 'segment' && state === 'verified' && peer === mallory.peer,
  )
  expect(verified).toEqual([])
})

test.each([
  [
    'says nothing more once it has taken a segment',
    async () => await sleep(60_000, undefined, { ref: false }),
  ],
  [
    'tells of endless progress',
    async ({ onProgress }: SegmentContext) => {
      for (let count = 0; count < 600; count++) {
        onProgress({ frames: Number.MAX_SAFE_INTEGER, fps: 1e300, slots: 1024 })
        await sleep(100, undefined, { ref: false })
      }
    },
  ],
])('a worker that %s does not keep the film from being done', { timeout: 60_000 }, async (_, work) => {
  const mallory = await startMallory({ work })
  const job = await startEncode(lab, {
    params: LOSSLESS,
    connect: [mallory],
    args: ['--peers', '1', '--local', '--segment-time', '2', '--slots', '1'],
  })
  await expectExact(lab, job)
})

test('a worker that says it has all slots of the world, and gives nothing, gets little of the film', {
  timeout: 90_000,
}, async () => {
  const mallory = await startMallory({
    slots: 65_535,
    work: async () => await sleep(80_000, undefined, { ref: false }),
  })
  const job = await startEncode(lab, {
    params: LOSSLESS,
    connect: [mallory],
    args: ['--peers', '1', '--local', '--segment-time', '1', '--slots', '1'],
  })
  await expectExact(lab, job)
  const given = job.process.events.filter(
    ({ event, state, peer }) => event === 'segment' && state === 'assigned' && peer === mallory.peer,
  )
  expect(given.length).toBeGreaterThan(0)
  expect(given.length).toBeLessThanOrEqual(8)
})
