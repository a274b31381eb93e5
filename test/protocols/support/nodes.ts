/** Real libp2p nodes on the loopback, for the protocols' tests. */

import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p, PrivateKey, ServiceMap } from '@libp2p/interface'
import type { ServiceFactoryMap } from 'libp2p'
import { afterEach } from 'vitest'
import { createSwarmNode, type SwarmServices } from '../../../src/node/libp2p.ts'

const started: Libp2p[] = []

afterEach(async () => {
  await Promise.all(started.splice(0).map(async (node) => await node.stop()))
})

/** A node that is stopped after the test. */
export async function createNode<T extends ServiceMap>(
  services: ServiceFactoryMap<T>,
  options: { privateKey?: PrivateKey; port?: number } = {},
): Promise<Libp2p<SwarmServices<T>>> {
  const node = await createSwarmNode({
    privateKey: options.privateKey ?? (await generateKeyPair('Ed25519')),
    listen: [`/ip4/127.0.0.1/tcp/${options.port ?? 0}`],
    services,
  })
  started.push(node as Libp2p)
  return node
}

export async function connect(from: Libp2p, to: Libp2p): Promise<void> {
  await from.dial(to.getMultiaddrs())
}

/** The `code` an operation fails with. */
export async function codeOf(operation: Promise<unknown>): Promise<unknown> {
  try {
    await operation
  } catch (err) {
    return err instanceof Error && 'code' in err ? err.code : err
  }
  return 'no failure'
}
