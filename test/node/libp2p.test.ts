import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { afterEach, expect, test } from 'vitest'
import { parseAddress } from '../../src/node/address.ts'
import { createSwarmNode } from '../../src/node/libp2p.ts'

const cleanUps: (() => unknown)[] = []

afterEach(async () => {
  await Promise.all(cleanUps.splice(0).map(async (cleanUp) => await cleanUp()))
})

async function startNode(
  init: { listen?: string[]; prologue?: Uint8Array; isLetIn?(peer: PeerId): boolean } = {},
) {
  const node = await createSwarmNode({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    services: {},
    ...init,
  })
  cleanUps.push(async () => await node.stop())
  return node
}

test('a port that is in use is named', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  cleanUps.push(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await expect(startNode({ listen: [`/ip4/127.0.0.1/tcp/${port}`] })).rejects.toMatchObject({
    failure: { code: 'PORT_IN_USE', port },
  })
  await expect(
    startNode({ listen: ['/ip4/127.0.0.1/tcp/0', `/ip4/127.0.0.1/tcp/${port}`] }),
  ).rejects.toMatchObject({ failure: { code: 'PORT_IN_USE', port } })
})

test('an address that is not this machine’s is named', async () => {
  const listen = ['/ip4/203.0.113.1/tcp/0']
  await expect(startNode({ listen })).rejects.toMatchObject({
    failure: { code: 'LISTEN_FAILED', addresses: listen },
  })
})

test('pings of our own do not disturb the connection monitor', async () => {
  const [a, b] = await Promise.all([startNode(), startNode()])
  const connection = await a.dial(b.getMultiaddrs())
  const until = AbortSignal.timeout(12_000)
  let pings = 0
  // Over two rounds of the monitor, four at a time.
  while (!until.aborted) {
    await Promise.all([1, 2, 3, 4].map(async () => await a.services.ping.ping(b.peerId)))
    pings += 4
    await sleep(20)
  }
  expect(pings).toBeGreaterThan(100)
  expect(connection.status).toBe('open')
  expect(connection.rtt).toBeTypeOf('number')
})

test('thirty connections from one host in one moment are taken', async () => {
  const hub = await startNode()
  const nodes = await Promise.all(Array.from({ length: 30 }, async () => await startNode()))
  const connections = await Promise.all(nodes.map(async (node) => await node.dial(hub.getMultiaddrs())))
  await expect.poll(() => hub.getConnections().length).toBe(30)
  expect(connections.every(({ status }) => status === 'open')).toBe(true)
})

test('a host can be dialled by its name', async () => {
  const [a, b] = await Promise.all([startNode(), startNode()])
  const port = b
    .getMultiaddrs()[0]
    ?.getComponents()
    .find(({ name }) => name === 'tcp')?.value
  const connection = await a.dial(parseAddress(`localhost:${port}`))
  expect(connection.remotePeer.equals(b.peerId)).toBe(true)
})

test('only those with the same prologue get in', async () => {
  const key = (value: number) => ({ prologue: new Uint8Array(32).fill(value) })
  const [a, same, other, none] = await Promise.all([
    startNode(key(1)),
    startNode(key(1)),
    startNode(key(2)),
    startNode(),
  ])
  await same.dial(a.getMultiaddrs())
  await expect(other.dial(a.getMultiaddrs())).rejects.toThrow()
  await expect(none.dial(a.getMultiaddrs())).rejects.toThrow()
  expect(a.getPeers().map(String)).toEqual([same.peerId.toString()])
})

test('whoever is not let in has no connection, whichever side dials', async () => {
  const friend = await startNode()
  const stranger = await startNode()
  const host = await startNode({ isLetIn: (peer) => peer.equals(friend.peerId) })
  await friend.dial(host.getMultiaddrs())
  await stranger.dial(host.getMultiaddrs()).catch(() => {})
  await expect(host.dial(stranger.getMultiaddrs())).rejects.toThrow()
  await expect.poll(() => host.getPeers().map(String)).toEqual([friend.peerId.toString()])
  await expect.poll(() => stranger.getPeers()).toEqual([])
})
