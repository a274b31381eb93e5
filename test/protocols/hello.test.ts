import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection, Libp2p } from '@libp2p/interface'
import { pEvent } from 'p-event'
import { expect, test } from 'vitest'
import { HELLO_BYTES_MAX } from '../../src/protocols/hello/constants.ts'
import {
  HELLO_PROTOCOL,
  type Hello,
  type HelloProtocol,
  type HelloReceived,
  hello,
} from '../../src/protocols/hello/index.ts'
import { codeOf, connect, createNode } from './support/nodes.ts'

function described(changes: Partial<Hello> = {}): Hello {
  return {
    protocolVersion: 1,
    software: 'ffswarm/0.1.0',
    name: 'test',
    swarm: 'default',
    role: 'worker',
    state: 'idle',
    host: 'abc123',
    cpus: [0, 1],
    cores: 2,
    slots: 2,
    busySlots: 0,
    serving: [],
    ffmpeg: { version: '7.1', encoders: ['libx264', 'libsvtav1'] },
    ...changes,
  }
}

async function helloNode(changes: Partial<Hello> = {}) {
  return await createNode<{ hello: HelloProtocol }>({ hello: hello({ local: () => described(changes) }) })
}

async function connection(from: Libp2p, to: Libp2p): Promise<Connection> {
  return await from.dial(to.getMultiaddrs())
}

test('both sides learn what the other says of itself', async () => {
  const [a, b] = await Promise.all([helloNode({ name: 'a' }), helloNode({ name: 'b', role: 'coordinator' })])
  const heard = Promise.withResolvers<HelloReceived>()
  b.services.hello.addEventListener('hello', ({ detail }) => heard.resolve(detail), { once: true })
  const theirs = await a.services.hello.exchange(await connection(a, b))
  expect(theirs).toEqual(described({ name: 'b', role: 'coordinator' }))
  const received = await heard.promise
  expect(received.hello).toEqual(described({ name: 'a' }))
  expect(received.peer.equals(a.peerId)).toBe(true)
})

test('an exchange leaves no stream open on either side', async () => {
  const [a, b] = await Promise.all([helloNode(), helloNode()])
  await connect(a, b)
  for (let i = 0; i < 20; i++) await a.services.hello.exchange(b.peerId)
  await expect
    .poll(() => [a, b].flatMap((node) => node.getConnections()).flatMap(({ streams }) => streams).length)
    .toBe(0)
})

test('another swarm is refused by both sides', async () => {
  const [a, b] = await Promise.all([helloNode({ swarm: 'one' }), helloNode({ swarm: 'two' })])
  let admitted = false
  b.services.hello.addEventListener('hello', () => {
    admitted = true
  })
  const link = await connection(a, b)
  expect(await codeOf(a.services.hello.exchange(link))).toBe('SWARM_DIFFERS')
  expect(await codeOf(b.services.hello.exchange(a.peerId))).toBe('SWARM_DIFFERS')
  expect(admitted).toBe(false)
})

test('control characters in names do not reach this node', async () => {
  const [a, b] = await Promise.all([
    helloNode(),
    helloNode({ name: `\u001b[2Jevil\u202e\u0007${'x'.repeat(200)}` }),
  ])
  await connect(a, b)
  const { name } = await a.services.hello.exchange(b.peerId)
  expect(name).toBe(`[2Jevil${'x'.repeat(57)}`)
})

test.each([
  ['too long', Buffer.concat([varint(HELLO_BYTES_MAX + 1), Buffer.alloc(64)])],
  ['of endless length', Buffer.alloc(64, 0xff)],
  ['not JSON', lengthPrefixed(Buffer.from('{'))],
  ['not UTF-8', lengthPrefixed(Buffer.from([0x22, 0xff, 0x22]))],
  ['not a hello', lengthPrefixed(Buffer.from('{"protocolVersion":1}'))],
  ['empty', lengthPrefixed(Buffer.alloc(0))],
])('a message that is %s ends its stream and nothing else', async (_, bytes) => {
  const [a, b] = await Promise.all([helloNode(), helloNode()])
  await connect(a, b)
  const stream = await a.dialProtocol(b.peerId, HELLO_PROTOCOL)
  const closed = pEvent(stream, 'close')
  stream.send(bytes)
  await closed
  expect(await a.services.hello.exchange(b.peerId)).toEqual(described())
})

test('more bytes than a conversation has are not buffered', async () => {
  const [a, b] = await Promise.all([helloNode(), helloNode()])
  await connect(a, b)
  const stream = await a.dialProtocol(b.peerId, HELLO_PROTOCOL)
  const closed = pEvent(stream, 'close')
  stream.send(Buffer.concat([varint(HELLO_BYTES_MAX), Buffer.alloc(8 * HELLO_BYTES_MAX)]))
  await closed
  expect(await a.services.hello.exchange(b.peerId)).toEqual(described())
})

test('a side that never speaks is given up', async () => {
  const a = await createNode({ hello: hello({ local: described, timeoutMs: 100 }) })
  const b = await createNode({})
  await b.handle(HELLO_PROTOCOL, async () => await sleep(60_000, undefined, { ref: false }))
  await connect(a, b)
  expect(await codeOf((a.services.hello as HelloProtocol).exchange(b.peerId))).toBe('TIMEOUT')
})

test('a node that does not speak hello says so', async () => {
  const [a, b] = await Promise.all([helloNode(), createNode({})])
  await connect(a, b)
  expect(await codeOf(a.services.hello.exchange(b.peerId))).toBe('UNSUPPORTED_PROTOCOL')
})

test("the caller's abort ends an exchange with the caller's reason", async () => {
  const [a, b] = await Promise.all([helloNode(), createNode({})])
  await b.handle(HELLO_PROTOCOL, async () => await sleep(60_000, undefined, { ref: false }))
  await connect(a, b)
  const controller = new AbortController()
  const exchange = a.services.hello.exchange(b.peerId, { signal: controller.signal })
  const reason = new Error('changed my mind')
  controller.abort(reason)
  await expect(exchange).rejects.toBe(reason)
})

test('the largest valid hello fits', async () => {
  const encoders = Array.from({ length: 512 }, (_, i) => String(i).padStart(64, 'e'))
  const serving = Array.from({ length: 16 }, () => ({ name: '𝄞'.repeat(32), tasks: 65_535 }))
  const cpus = Array.from({ length: 1024 }, (_, i) => 64_000 + i)
  const [a, b] = await Promise.all([
    helloNode(),
    helloNode({ cpus, serving, ffmpeg: { version: '7.1', encoders } }),
  ])
  await connect(a, b)
  expect((await a.services.hello.exchange(b.peerId)).ffmpeg?.encoders).toEqual(encoders)
})

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}

function lengthPrefixed(bytes: Buffer): Buffer {
  return Buffer.concat([varint(bytes.length), bytes])
}
