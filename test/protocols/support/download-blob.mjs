// Downloads a blob with a sink that takes a pause after every so many bytes; says what came and the memory it took.
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { createSwarmNode } from '../../../dist/node/libp2p.js'
import { blob } from '../../../dist/protocols/blob/index.js'

const [address, size, pauseBytes, pauseMs] = process.argv.slice(2)
const node = await createSwarmNode({
  privateKey: await generateKeyPair('Ed25519'),
  listen: [],
  services: { blob: blob() },
})
const { remotePeer } = await node.dial(multiaddr(address))
const hash = createHash('sha256')
let sizeBytes = 0
let untilPause = Number(pauseBytes)
const start = performance.now()
const cpu = process.cpuUsage()
await node.services.blob.download(remotePeer, 'b', {
  sizeBytes: Number(size),
  write: async (pieces) => {
    for (const bytes of pieces) {
      hash.update(bytes)
      sizeBytes += bytes.byteLength
      untilPause -= bytes.byteLength
    }
    if (untilPause > 0) return
    untilPause = Number(pauseBytes)
    await sleep(Number(pauseMs))
  },
})
const seconds = (performance.now() - start) / 1000
const { user, system } = process.cpuUsage(cpu)
process.stdout.write(
  `${JSON.stringify({
    sizeBytes,
    sha256: hash.digest('hex'),
    maxRssBytes: process.resourceUsage().maxRSS * 1024,
    megabytesPerSecond: sizeBytes / 1e6 / seconds,
    cpuSeconds: (user + system) / 1e6,
  })}\n`,
)
process.exit(0)
