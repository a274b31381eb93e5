import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerInfo } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import multicastDns from 'multicast-dns'
import { afterEach, expect, test } from 'vitest'
import { type Discovery, discovery, serviceTag } from '../../src/node/discovery.ts'
import { createSwarmNode } from '../../src/node/libp2p.ts'
import { interfaceAddresses } from '../../src/node/multicast.ts'

/** Not the real one: tests are no business of the network. */
const PORT = 30_000 + (process.pid % 10_000)

const cleanUps: (() => unknown)[] = []

afterEach(async () => {
  await Promise.all(cleanUps.splice(0).map(async (cleanUp) => await cleanUp()))
})

async function startNode(swarm = 'default', port = PORT) {
  const node = await createSwarmNode<{ discovery: Discovery }>({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    services: { discovery: discovery({ swarm, port, queryIntervalMs: 500 }) },
  })
  cleanUps.push(async () => await node.stop())
  const found = new Map<string, PeerInfo>()
  node.services.discovery.addEventListener('peer', ({ detail }) => found.set(detail.id.toString(), detail))
  return { node, found, id: node.peerId.toString() }
}

test('nodes find each other with their addresses, and never themselves', async () => {
  const [a, b] = await Promise.all([startNode(), startNode()])
  await expect.poll(() => [...a.found.keys()]).toEqual([b.id])
  await expect.poll(() => [...b.found.keys()]).toEqual([a.id])
  const addresses = a.found.get(b.id)?.multiaddrs.map(String)
  expect(addresses).toEqual(b.node.getMultiaddrs().map((address) => String(address.decapsulate('/p2p'))))
})

test('a node is told of again and again', async () => {
  const [a, b] = await Promise.all([startNode(), startNode()])
  let told = 0
  a.node.services.discovery.addEventListener('peer', ({ detail }) => {
    if (detail.id.equals(b.node.peerId)) told++
  })
  await expect.poll(() => told, { timeout: 20_000 }).toBeGreaterThan(2)
})

test('it speaks what the stock module speaks', async () => {
  const ours = await startNode()
  const stock = await createSwarmNode({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    services: { stock: mdns({ serviceTag: serviceTag('default'), port: PORT, interval: 500 }) },
  })
  cleanUps.push(async () => await stock.stop())
  const found: string[] = []
  stock.services.stock.addEventListener('peer', ({ detail }) => found.push(detail.id.toString()))
  await expect.poll(() => [...ours.found.keys()], { timeout: 20_000 }).toEqual([stock.peerId.toString()])
  await expect.poll(() => found, { timeout: 20_000 }).toContain(ours.id)
})

test('it asks on every interface', async () => {
  const asked = new Set<string>()
  for (const address of interfaceAddresses()) {
    // Hears what is sent on this one interface, if only from this machine.
    const ear = multicastDns({ interface: address, port: PORT, bind: '0.0.0.0' })
    cleanUps.push(() => ear.destroy())
    ear.on('query', ({ questions }, { address: from }) => {
      if (questions?.some(({ name }) => name === serviceTag('default'))) asked.add(from)
    })
  }
  await startNode()
  await expect.poll(() => [...asked].sort()).toEqual(interfaceAddresses().sort())
})

test('swarms have services of their own, and valid ones', () => {
  expect(serviceTag('default')).toBe('_ffswarm._udp.local')
  const tags = ['a', 'b', 'Grüße aus\u0000 Köln', 'x'.repeat(500)].map((swarm) => serviceTag(swarm))
  expect(new Set(tags).size).toBe(4)
  for (const tag of tags) expect(tag).toMatch(/^_[a-z0-9-]{1,15}\._udp\.local$/)
})

test('where multicast cannot be used, a node says so and runs without', async () => {
  const socket = createSocket({ type: 'udp4', reuseAddr: false })
  cleanUps.push(() => socket.close())
  const port = PORT + 1
  socket.bind(port)
  await once(socket, 'listening')
  const errors: Error[] = []
  const node = await createSwarmNode<{ discovery: Discovery }>({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    services: {
      discovery: (components) => {
        const service = discovery({ swarm: 'default', port, queryIntervalMs: 100 })(components)
        service.addEventListener('unavailable', ({ detail }) => errors.push(detail))
        return service
      },
    },
  })
  cleanUps.push(async () => await node.stop())
  await expect.poll(() => errors).toMatchObject([{ code: 'EADDRINUSE' }])
  node.services.discovery.query()
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(errors.length).toBe(1)
})
