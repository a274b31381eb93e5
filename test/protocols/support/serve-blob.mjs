// Serves one blob of random bytes, derived from its size, under the identity kept in a directory.
// Says its address and the hash of the blob; the memory it has used at most for each line it is sent.
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { claimIdentity } from '../../../dist/node/identity.js'
import { createSwarmNode } from '../../../dist/node/libp2p.js'
import { blob } from '../../../dist/protocols/blob/index.js'

const PIECE_BYTES = 1024 * 1024

const [dataDir, port, size] = process.argv.slice(2)
const sizeBytes = Number(size)
const piece = createHash('shake256', { outputLength: PIECE_BYTES }).update(size).digest()

function bytesAt(offset, length) {
  const bytes = Buffer.alloc(length)
  for (let done = 0; done < length; ) {
    const from = (offset + done) % PIECE_BYTES
    done += piece.copy(bytes, done, from, Math.min(PIECE_BYTES, from + length - done))
  }
  // No two pieces are alike: bytes that went missing or came twice would show.
  const first = Math.ceil(offset / PIECE_BYTES)
  for (let at = first * PIECE_BYTES; at + 4 <= offset + length; at += PIECE_BYTES) {
    bytes.writeUInt32BE(at / PIECE_BYTES, at - offset)
  }
  return bytes
}

const identity = await claimIdentity(dataDir, { signal: AbortSignal.timeout(60_000) })
const node = await createSwarmNode({
  privateKey: identity.privateKey,
  listen: [`/ip4/127.0.0.1/tcp/${port}`],
  services: {
    blob: blob({
      resolve: () => ({ sizeBytes, read: async (offset, length) => bytesAt(offset, length) }),
    }),
  },
})
const hash = createHash('sha256')
for (let offset = 0; offset < sizeBytes; offset += PIECE_BYTES) {
  hash.update(bytesAt(offset, Math.min(PIECE_BYTES, sizeBytes - offset)))
}
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)
say({ address: node.getMultiaddrs()[0].toString(), sha256: hash.digest('hex') })
createInterface({ input: process.stdin })
  .on('line', () => say({ maxRssBytes: process.resourceUsage().maxRSS * 1024 }))
  .on('close', () => process.exit(0))
