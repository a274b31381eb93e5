/**
 * A coordinator that means harm, beside a real worker: whatever it sends is refused with a code, nothing of this machine is read, written
 * or connected to (`strace` looks on, where there is one), and the worker goes on serving.
 */
import '../helpers/fast-tools.ts'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toOffer } from '../../src/node/coordinator/executor.ts'
import { filmPlan, type Job } from '../../src/node/coordinator/job.ts'
import { SegmentPlan } from '../../src/node/coordinator/plan.ts'
import { deriveSecrets, newKey } from '../../src/node/key/index.ts'
import { createSwarmNode, type SwarmServices } from '../../src/node/libp2p.ts'
import { BENCHMARK_PROTOCOL, type Benchmark, benchmark } from '../../src/protocols/benchmark/index.ts'
import { BLOB_PROTOCOL, type Blob, type BlobContent, blob } from '../../src/protocols/blob/index.ts'
import { ProtocolError } from '../../src/protocols/errors.ts'
import { HELLO_PROTOCOL, type Hello, type HelloProtocol, hello } from '../../src/protocols/hello/index.ts'
import {
  SEGMENT_PROTOCOL,
  type Segment,
  type SegmentOffer,
  type SegmentResult,
  segment,
} from '../../src/protocols/segment/index.ts'
import { bPyramid, clipIn } from '../helpers/clips.ts'
import { ffmpeg } from '../helpers/ffmpeg.ts'
import { preparedJob } from '../helpers/segments.ts'
import { type LabNode, startWorker, useLab } from '../helpers/swarm.ts'
import { filtered, hostileParams, X264 } from './hostile-params.ts'

interface Services extends Record<string, unknown> {
  hello: HelloProtocol
  segment: Segment
  blob: Blob
  benchmark: Benchmark
}
type Node = Libp2p<SwarmServices<Services>>

const lab = useLab()
const blobs = new Map<string, BlobContent>()
const nodes: Node[] = []
let worker: LabNode
let hostile: Node
let job: Job
let offer: SegmentOffer
let canary: string
let written: string
let trace: string | undefined

const SELF: Hello = {
  ...{
    protocolVersion: 1,
    software: 'ffswarm/0.1.0',
    name: 'mallory',
    swarm: 'default',
    role: 'coordinator',
  },
  ...{ state: 'idle', host: '', cpus: [], cores: 1, slots: 0, busySlots: 0, serving: [], ffmpeg: null },
}

beforeAll(async () => {
  const directory = join(lab.directory, 'canaries')
  await mkdir(directory)
  canary = join(directory, 'secret')
  written = join(directory, 'written')
  await writeFile(canary, 'a secret')
  const watched = hasStrace()
  trace = watched ? join(lab.directory, 'trace') : undefined
  const look = [
    '-e',
    'trace=open,openat,creat,connect,rename,renameat,renameat2,unlink,unlinkat',
    '-s',
    '300',
  ]
  worker = await startWorker(lab, {
    outlivesTest: true,
    launcher: trace === undefined ? [] : ['strace', '-D', '-f', '-qq', '--seccomp-bpf', ...look, '-o', trace],
  })
  hostile = await coordinator()
  const clip = await clipIn(lab.directory, bPyramid)
  job = await preparedJob(
    { inputPath: clip, outputPath: 'out.mkv', params: '-c:v libx264 -preset ultrafast' },
    lab.directory,
  )
  const plan = new SegmentPlan(filmPlan(job), { atKeyframes: false })
  const task = plan.carve({ first: 0, end: plan.totalFrames }, 30)
  offer = toOffer(job, task, 1, serve('film', await readFile(clip)))
}, 60_000)

afterAll(async () => {
  worker.process.signal('SIGKILL')
  await Promise.all(nodes.map((node) => node.stop()))
  await worker.process.ended
})

function hasStrace(): boolean {
  try {
    execFileSync('strace', ['-qq', '--seccomp-bpf', '-f', '-e', 'trace=openat', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    process.stderr.write(
      'strace is not here, or not allowed: files and connections are judged by canaries alone\n',
    )
    return false
  }
}

/** A node that has said hello to the worker. */
async function coordinator(init: { prologue?: Uint8Array } = {}): Promise<Node> {
  const node = await createSwarmNode<Services>({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    services: {
      hello: hello({ local: () => SELF }),
      segment: segment(),
      blob: blob({ resolve: (id) => blobs.get(id) }),
      benchmark: benchmark(),
    },
    ...init,
  })
  nodes.push(node)
  await greet(node)
  return node
}

async function greet(node: Node): Promise<void> {
  const connection = await node.dial(multiaddr(worker.addresses[0] ?? ''))
  await node.services.hello.exchange(connection)
}

function serve(id: string, bytes: Uint8Array, sizeBytes = bytes.length) {
  blobs.set(id, { sizeBytes, read: async (offset, length) => bytes.subarray(offset, offset + length) })
  return { id, sizeBytes }
}

const workerPeer = () => hostile.getPeers().find((peer) => peer.toString() === worker.peer) ?? neverThere()

function neverThere(): never {
  throw new Error('the worker is gone')
}

let tasks = 0

/** What becomes of an offer: the code of its refusal or failure. */
async function answerTo(change: Partial<SegmentOffer>, node = hostile): Promise<string> {
  try {
    const attempt = await node.services.segment.offer(workerPeer(), { ...offer, task: tasks++, ...change })
    await attempt.result
    await attempt.acknowledge()
    return 'encoded'
  } catch (error) {
    if (!(error instanceof ProtocolError)) return String(error)
    const { failure } = error
    return failure.code === 'FAILED' || failure.code === 'REFUSED' ? failure.reason : failure.code
  }
}

async function resultOf(node: Node): Promise<SegmentResult> {
  const attempt = await node.services.segment.offer(workerPeer(), { ...offer, task: tasks++ })
  return await attempt.result
}

test('an honest offer is encoded', async () => {
  expect(await answerTo({})).toBe('encoded')
})

test('params that read, write or run something else are refused, each of them', {
  timeout: 120_000,
}, async () => {
  const { filters, options, encoders } = hostileParams(canary, written)
  const attacks = [...filters.map(filtered), ...options.map((words) => [...X264, ...words]), ...encoders]
  expect(attacks.length).toBeGreaterThanOrEqual(150)
  const answers = new Map<string, string>()
  for (const params of attacks) answers.set(params.join(' '), await answerTo({ params: [...params] }))
  const taken = [...answers].filter(([, code]) => !/^(PARAMS_INVALID|ENCODER_MISSING)$/.test(code))
  expect(taken).toEqual([])
})

test.each([
  ...['hls', 'concat', 'dash', 'sdp', 'lavfi', 'image2', 'rtsp', 'rtp', 'imf', 'vobsub', 'mlv', 'ffmetadata'],
  ...['webm_dash_manifest', 'avisynth', 'rawvideo', 'x11grab', 'fbdev', 'libgme', 'tedcaptions', 'nonsense'],
])('the demuxer %s is not started', async (format) => {
  expect(await answerTo({ source: { ...offer.source, format } })).toBe('FORMAT')
})

const LISTS = [
  [
    'a playlist',
    (path: string) => `#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://${path}\n#EXT-X-ENDLIST\n`,
  ],
  ['a list of files', (path: string) => `ffconcat version 1.0\nfile ${path}\n`],
  [
    'a session description',
    () => 'v=0\nc=IN IP4 192.0.2.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n',
  ],
  ['a manifest', (path: string) => `<?xml version="1.0"?><MPD><BaseURL>file://${path}</BaseURL></MPD>`],
] as const

test.each(
  LISTS.flatMap(([name, text]) =>
    ['mov', 'matroska', 'mpegts', 'avi', 'flv'].map((format) => [name, format, text] as const),
  ),
)('%s, said to be %s, opens nothing', async (name, format, text) => {
  const { id, sizeBytes } = serve(`${name}-${format}`.replaceAll(' ', '-'), Buffer.from(text(canary)))
  const source = { ...offer.source, blob: id, sizeBytes, format, bytes: null }
  expect(await answerTo({ source })).toMatch(/^(TOOL_EXIT|SEGMENT_FRAMES|SEGMENT_PICTURE)$/)
})

const film = () => Buffer.from(readFileSync(job.source.path))

test.each([
  ['noise', () => Buffer.alloc(100_000, 0).map((_, at) => (at * 7919) % 251)],
  ['nothing', () => Buffer.alloc(0)],
  ['a half of a film', () => film().subarray(0, film().length / 2)],
  // The data is said to lie in another file.
  ['a film with an external reference', () => replaced(film(), 'url \0\0\0\x01', `url \0\0\0\0`)],
  ['a film whose boxes are said to be endless', () => replaced(film(), 'mdat', 'moov')],
  ['a film with other codecs than it says', () => replaced(film(), 'avc1', 'hev1')],
])('%s as a source harms nobody', async (name, make) => {
  const { id, sizeBytes } = serve(name.replaceAll(' ', '-'), make())
  const source = { ...offer.source, blob: id, sizeBytes, bytes: null }
  expect(await answerTo({ source })).toMatch(/^([A-Z][A-Z_]+|encoded)$/)
})

function replaced(bytes: Buffer, what: string, by: string): Buffer {
  const copy = Buffer.from(bytes)
  const at = copy.lastIndexOf(what, copy.length, 'latin1')
  if (at < 0) throw new Error(`${what} is not there`)
  copy.write(by, at, 'latin1')
  return copy
}

test('pictures that are much larger than they are said to be', async () => {
  const path = join(lab.directory, 'large.mp4')
  await ffmpeg(
    '-f',
    'lavfi',
    '-i',
    'color=s=8192x4320:r=25:d=0.2',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    path,
  )
  const { id, sizeBytes } = serve('large', await readFile(path))
  expect(await answerTo({ source: { ...offer.source, blob: id, sizeBytes, bytes: null } })).toMatch(
    /^SEGMENT_/,
  )
})

test.each([
  ['a blob that is not there', { blob: 'nowhere' }, 'UNKNOWN_BLOB'],
  ['a stream that is not there', { stream: 40 }, 'TOOL_EXIT'],
])('%s', async (_, change, code) => {
  expect(await answerTo({ source: { ...offer.source, ...change } })).toBe(code)
})

const MANY = 2n ** 62n
test.each<[string, Partial<SegmentOffer>]>([
  ['ends before it begins', { startPts: 1000n, endPts: 0n }],
  ['lies where no film is', { startPts: MANY, endPts: null }],
  ['is moved by ages', { zeroMicroseconds: MANY }],
  ['is moved back by ages', { zeroMicroseconds: -MANY, startMicroseconds: -MANY }],
  ['is sought nowhere', { seekPts: Array.from({ length: 16 }, (_, at) => MANY + BigInt(at)) }],
  ['has the coarsest time base', { encoderTimeBase: [0x7fffffff, 1] }],
  ['has no frames', { expected: { frames: 0, ptsDigest: '0'.repeat(64), picture: '1x1 yuv420p' } }],
  [
    'is said to have frames without end',
    { retiming: { timeBase: [1, 25], firstPts: 0n, runs: [[10_000_000, 100_000]] } },
  ],
])('a segment that %s ends soon, with a code', { timeout: 60_000 }, async (_, change) => {
  expect(await answerTo(change)).toMatch(/^[A-Z][A-Z_]+$/)
})

const PROTOCOLS = [HELLO_PROTOCOL, SEGMENT_PROTOCOL, BLOB_PROTOCOL, BENCHMARK_PROTOCOL]
const GARBAGE: readonly [string, Uint8Array][] = [
  ['no length', Buffer.alloc(64, 0xff)],
  ['a length of gigabytes', Buffer.from([0xff, 0xff, 0xff, 0x7f, 0x7b])],
  ['no JSON', Buffer.from('\x05hello')],
  ['another type', Buffer.from('\x02[]')],
  ['an empty object', Buffer.from('\x02{}')],
  ['no UTF-8', Buffer.from([3, 0x22, 0xc3, 0x22])],
  ['a tower of arrays', Buffer.concat([Buffer.from([0xa0, 0x1f]), Buffer.from('['.repeat(4_000))])],
]
test.each(PROTOCOLS.flatMap((protocol) => GARBAGE.map(([name, bytes]) => [protocol, name, bytes] as const)))(
  '%s is not harmed by %s',
  async (protocol, _, bytes) => {
    const node = await coordinator()
    const stream = await node.dialProtocol(workerPeer(), protocol)
    stream.send(bytes)
    await expect.poll(() => stream.status, { timeout: 15_000 }).not.toBe('open')
    await node.stop()
  },
)

test('streams that say nothing keep nobody from being served', async () => {
  const silent = await coordinator()
  const open = PROTOCOLS.flatMap((protocol) => Array.from({ length: 40 }, () => protocol))
  await Promise.allSettled(open.map((protocol) => silent.dialProtocol(workerPeer(), protocol)))
  expect(await answerTo({})).toBe('encoded')
})

test('one coordinator gets nothing of what was made for another', async () => {
  const other = await coordinator()
  const { blob: id } = await resultOf(hostile)
  await expect(other.services.blob.open(workerPeer(), id)).rejects.toMatchObject({ code: 'UNKNOWN_BLOB' })
  // The same offer, word for word, is work of its own.
  const again = await other.services.segment.offer(workerPeer(), { ...offer, task: tasks - 1 })
  expect((await again.result).blob).not.toBe(id)
  await again.acknowledge()
})

test('nobody can pretend to be another peer', async () => {
  const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  const address = (worker.addresses[0] ?? '').replace(/\/p2p\/.*$/, '')
  await expect(hostile.dial(multiaddr(`${address}/p2p/${other.toString()}`))).rejects.toThrow()
})

test('with a key of its own nobody gets in', async () => {
  const { prologue } = await deriveSecrets(newKey(), 'default')
  await expect(coordinator({ prologue })).rejects.toThrow()
})

test('after all that the worker serves, and nothing of its machine was touched', async () => {
  expect(await answerTo({})).toBe('encoded')
  expect(await readFile(canary, 'utf8')).toBe('a secret')
  expect(existsSync(written)).toBe(false)
  if (trace === undefined) return
  const lines = (await readFile(trace, 'utf8')).split('\n')
  expect(lines.length).toBeGreaterThan(100)
  expect(lines.filter((line) => line.includes(canary) || line.includes(written))).toEqual([])
  // Which address is the machine's own is found out by a socket that sends nothing.
  const connects = lines.filter((line) => /connect\(.*sa_family=AF_INET/.test(line))
  expect(connects.filter((line) => !/"(127\.\d+\.\d+\.\d+|::1)"/.test(line))).toEqual([])
})
