// A worker that accepts every offer and works on it for ever, telling how each attempt ended.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createSwarmNode } from '../../../dist/node/libp2p.js'
import { segment } from '../../../dist/protocols/segment/index.js'

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)
const node = await createSwarmNode({
  privateKey: await generateKeyPair('Ed25519'),
  listen: ['/ip4/127.0.0.1/tcp/0'],
  services: {
    segment: segment({
      handler: {
        admit: () => undefined,
        onOffer: async (_offer, _peer, { signal }) => {
          await new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason))
          })
        },
        onSettled: (_offer, _peer, outcome) => say({ outcome }),
      },
    }),
  },
})
say({ address: node.getMultiaddrs()[0].toString() })
process.stdin.resume().once('end', () => process.exit(0))
