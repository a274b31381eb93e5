import { setTimeout as sleep } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, test } from 'vitest'
import { type Discovery, discovery } from '../../src/node/discovery.ts'
import { createSwarmNode } from '../../src/node/libp2p.ts'
import { createMembership, type Membership, type Peer, type RefusedPeer } from '../../src/node/membership.ts'
import { type Hello, type HelloProtocol, hello } from '../../src/protocols/hello/index.ts'

interface NodeInit {
  swarm?: string
  role?: Hello['role']
  connect?: Multiaddr[]
  privateKey?: PrivateKey
  port?: number
  mdns?: boolean
}

/** Not the real one: tests are no business of the network. */
const MDNS_PORT = 20_000 + (process.pid % 10_000)

const nodes = new Set<{ stop(): Promise<void> }>()

afterEach(async () => {
  await Promise.all([...nodes].map(async (node) => await node.stop()))
})

async function startNode(init: NodeInit = {}) {
  const { swarm = 'test', role = 'worker', connect = [], port = 0, mdns = false } = init
  const described: Hello = {
    protocolVersion: 1,
    software: 'ffswarm/0.1.0',
    name: role,
    swarm,
    role,
    state: 'idle',
    host: '',
    cpus: [],
    cores: 1,
    slots: 1,
    busySlots: 0,
    serving: [],
    ffmpeg: null,
  }
  const services = { hello: hello({ local: () => described }) }
  const libp2p = await createSwarmNode<{ hello: HelloProtocol; discovery?: Discovery }>({
    privateKey: init.privateKey ?? (await generateKeyPair('Ed25519')),
    listen: [`/ip4/127.0.0.1/tcp/${port}`],
    services: mdns
      ? { ...services, discovery: discovery({ swarm, queryIntervalMs: 1_000, port: MDNS_PORT }) }
      : services,
  })
  const membership = createMembership(
    { libp2p, ...libp2p.services },
    { role, connect, now: () => Date.now(), random: Math.random },
  )
  const events: string[] = []
  for (const type of ['join', 'leave'] as const) {
    membership.addEventListener(type, ({ detail }) => events.push(`${type} ${detail.id}`))
  }
  const refused: RefusedPeer[] = []
  membership.addEventListener('refuse', ({ detail }) => refused.push(detail))
  await membership.start()
  const node = {
    libp2p,
    membership,
    described,
    events,
    refused,
    id: libp2p.peerId,
    address: (): Multiaddr => first(libp2p.getMultiaddrs()),
    port: () =>
      Number(
        first(libp2p.getMultiaddrs())
          .getComponents()
          .find(({ name }) => name === 'tcp')?.value,
      ),
    async stop() {
      nodes.delete(node)
      await membership.stop()
      await libp2p.stop()
    },
  }
  nodes.add(node)
  return node
}

function first<T>([value]: T[]): T {
  if (value === undefined) throw new Error('empty')
  return value
}

/** The same address without its PeerId, as people give it. */
function bare(address: Multiaddr): Multiaddr {
  return address.decapsulate('/p2p')
}

async function joined(membership: Membership, id: { toString(): string }): Promise<Peer> {
  return await expect
    .poll(() => membership.peers.find((peer) => peer.id.toString() === id.toString()), { timeout: 60_000 })
    .toBeDefined()
    .then(() => first(membership.peers.filter((peer) => peer.id.toString() === id.toString())))
}

test('two nodes meet by address, and each knows what the other is', async () => {
  const a = await startNode()
  const b = await startNode({ role: 'coordinator', connect: [bare(a.address())] })
  const seenByB = await joined(b.membership, a.id)
  const seenByA = await joined(a.membership, b.id)
  expect(seenByB.hello).toEqual(a.described)
  expect(seenByA.hello.role).toBe('coordinator')
  expect(seenByB.addresses.length).toBe(1)
  expect(b.membership.get(a.id)).toBeDefined()
  await expect.poll(() => b.membership.get(a.id)?.rttMs).toBeTypeOf('number')
})

test('an address is dialled for as long as it takes', async () => {
  const key = await generateKeyPair('Ed25519')
  const early = await startNode({ privateKey: key })
  const address = bare(early.address())
  const port = early.port()
  await early.stop()
  const a = await startNode({ connect: [address] })
  await sleep(1_500)
  expect(a.membership.peers).toEqual([])
  const late = await startNode({ privateKey: key, port })
  await joined(a.membership, late.id)
})

test('a peer that restarts under its identity leaves and joins again, on both sides of the dialling', async () => {
  const key = await generateKeyPair('Ed25519')
  const a = await startNode({ privateKey: key })
  const port = a.port()
  const byAddress = await startNode({ connect: [bare(a.address())] })
  await joined(byAddress.membership, a.id)
  // Dialled by the restarting node, so it knows it by its identify record alone.
  const dialled = await startNode()
  a.libp2p.dial(dialled.address()).catch(() => {})
  await joined(dialled.membership, a.id)
  await a.stop()
  await expect.poll(() => byAddress.events).toEqual([`join ${a.id}`, `leave ${a.id}`])
  await startNode({ privateKey: key, port })
  const again = [`join ${a.id}`, `leave ${a.id}`, `join ${a.id}`]
  await expect.poll(() => byAddress.events, { timeout: 60_000 }).toEqual(again)
  await expect.poll(() => dialled.events, { timeout: 60_000 }).toEqual(again)
})

test('a node of another swarm is refused once, not admitted, and let go of', async () => {
  const a = await startNode({ swarm: 'one' })
  const b = await startNode({ swarm: 'two', connect: [bare(a.address())] })
  await expect.poll(() => b.refused.length).toBe(1)
  expect(b.refused[0]?.failure).toEqual({ code: 'SWARM_DIFFERS', ours: 'two', theirs: 'one' })
  await sleep(1_500)
  expect(b.refused.length).toBe(1)
  expect(a.events).toEqual([])
  expect(b.events).toEqual([])
  await expect.poll(() => a.libp2p.getConnections().length).toBe(0)
})

test('a node given its own address does not meet itself', async () => {
  const key = await generateKeyPair('Ed25519')
  const early = await startNode({ privateKey: key })
  const port = early.port()
  await early.stop()
  const own = multiaddr(`/ip4/127.0.0.1/tcp/${port}`)
  const a = await startNode({ privateKey: key, port, connect: [own] })
  await sleep(1_500)
  expect(a.events).toEqual([])
})

test('nodes of a swarm find each other on the network, those of another do not', async () => {
  const swarm = `test-${process.pid}`
  const [a, b, other] = await Promise.all([
    startNode({ swarm, mdns: true }),
    startNode({ swarm, mdns: true }),
    startNode({ swarm: `${swarm}-other`, mdns: true }),
  ])
  await joined(a.membership, b.id)
  await joined(b.membership, a.id)
  expect(other.membership.peers).toEqual([])
  // Whoever dialled, it was one of them: no second connection.
  expect(a.libp2p.getConnections().length).toBe(1)
})

test('a peer that comes back at another port is found there', async () => {
  const swarm = `test-move-${process.pid}`
  const key = await generateKeyPair('Ed25519')
  const a = await startNode({ swarm, mdns: true })
  const b = await startNode({ swarm, mdns: true, privateKey: key })
  const port = b.port()
  await joined(a.membership, b.id)
  await b.stop()
  await expect.poll(() => a.membership.peers).toEqual([])
  const moved = await startNode({ swarm, mdns: true, privateKey: key })
  expect(moved.port()).not.toBe(port)
  await joined(a.membership, moved.id)
  await joined(moved.membership, a.id)
})

test('waitForWorkers counts workers alone, and ends with its signal', async () => {
  const a = await startNode({ role: 'coordinator' })
  const reason = new Error('enough')
  const controller = new AbortController()
  const aborted = a.membership.waitForWorkers(1, { signal: controller.signal })
  controller.abort(reason)
  await expect(aborted).rejects.toBe(reason)

  const waiting = a.membership.waitForWorkers(2, { signal: AbortSignal.timeout(60_000) })
  const connect = [bare(a.address())]
  await startNode({ role: 'observer', connect })
  const workers = [await startNode({ connect }), await startNode({ connect })]
  const found = await waiting
  expect(found.map(({ id }) => id.toString()).sort()).toEqual(workers.map(({ id }) => id.toString()).sort())
  expect(await a.membership.waitForWorkers(2, { signal: AbortSignal.timeout(1) })).toEqual(found)
})

test('refresh learns what has changed', async () => {
  const a = await startNode()
  const b = await startNode({ connect: [bare(a.address())] })
  await joined(b.membership, a.id)
  a.described.state = 'working'
  a.described.busySlots = 1
  expect(b.membership.get(a.id)?.hello.state).toBe('idle')
  await b.membership.refresh({ signal: AbortSignal.timeout(10_000) })
  expect(b.membership.get(a.id)?.hello).toMatchObject({ state: 'working', busySlots: 1 })
})

test('thirty nodes that all dial one are all admitted', async () => {
  const hub = await startNode({ role: 'coordinator' })
  const connect = [bare(hub.address())]
  await Promise.all(Array.from({ length: 30 }, async () => await startNode({ connect })))
  await hub.membership.waitForWorkers(30, { signal: AbortSignal.timeout(60_000) })
  expect(hub.membership.peers.length).toBe(30)
})
