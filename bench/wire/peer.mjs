// One end of bench:wire and bench:key, of an open swarm or of one with the key in BENCH_KEY. `serve` tells its address; `pull`, `slow` and `raw` bring so many bytes from there, and tell how that went.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { pEvent } from 'p-event'
import { deriveSecrets } from '../../dist/node/key/index.js'
import { createSwarmNode } from '../../dist/node/libp2p.js'
import { blob } from '../../dist/protocols/blob/index.js'

const RAW = '/ffswarm/bench/raw/1.0.0'
const BLOCK = Buffer.alloc(1024 * 1024, 7)

const [role, address, size, readers = '1'] = process.argv.slice(2)
const sizeBytes = Number(size)
const { BENCH_KEY } = process.env
const secrets = BENCH_KEY === undefined ? undefined : await deriveSecrets(BENCH_KEY, 'default')
/** A slow reader takes a megabyte every so often. */
const PAUSE_MS = 100

if (role === 'serve') await serve()
else if (role === 'dial') say(await dial())
else if (role === 'slow') say(await measure(pullSlowly))
else say(await measure(role === 'pull' ? pull : raw))

async function createNode() {
  return await createSwarmNode({
    privateKey: await generateKeyPair('Ed25519'),
    listen: role === 'serve' ? [address] : [],
    ...(secrets === undefined ? {} : { prologue: secrets.prologue }),
    services: {
      blob: blob({ resolve: () => ({ sizeBytes, read: async (_, length) => BLOCK.subarray(0, length) }) }),
    },
  })
}

async function serve() {
  const node = await createNode()
  await node.handle(RAW, async (stream) => {
    for (let left = sizeBytes; left > 0; left -= BLOCK.length) {
      if (!stream.send(BLOCK)) await pEvent(stream, 'drain', { rejectionEvents: ['close'] })
    }
    await stream.close()
  })
  say({ address: node.getMultiaddrs()[0].toString() })
  let cpu = process.cpuUsage()
  process.stdin.on('data', () => {
    const { user, system } = process.cpuUsage(cpu)
    cpu = process.cpuUsage()
    say({ cpuSeconds: (user + system) / 1e6, maxRssBytes: process.resourceUsage().maxRSS * 1024 })
  })
  process.stdin.on('end', () => process.exit())
}

/** @returns milliseconds of so many connections, or of their refusals, one after the other */
async function dial() {
  const times = []
  for (let count = 0; count < Number(readers); count++) {
    const node = await createNode()
    const began = performance.now()
    const isIn = await node.dial(multiaddr(address)).then(
      () => true,
      () => false,
    )
    times.push({ ms: performance.now() - began, isIn })
    await node.stop()
  }
  return { times }
}

async function measure(bring) {
  const nodes = []
  for (let count = 0; count < Number(readers); count++) {
    const node = await createNode()
    nodes.push({ node, peer: (await node.dial(multiaddr(address))).remotePeer })
  }
  const began = performance.now()
  const cpu = process.cpuUsage()
  const brought = await Promise.all(nodes.map((end) => bring(end)))
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  await Promise.all(nodes.map(({ node }) => node.stop()))
  return { bytes: brought.reduce((sum, bytes) => sum + bytes, 0), seconds, cpuSeconds: (user + system) / 1e6 }
}

async function pull({ node, peer }, pauseMs = 0) {
  let bytes = 0
  await node.services.blob.download(peer, 'b', {
    sizeBytes,
    async write(pieces) {
      for (const piece of pieces) bytes += piece.byteLength
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    },
  })
  return bytes
}

async function pullSlowly(end) {
  return await pull(end, PAUSE_MS)
}

async function raw({ node, peer }) {
  const stream = await node.dialProtocol(peer, RAW)
  let bytes = 0
  for await (const piece of stream) bytes += piece.byteLength
  return bytes
}

function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}
