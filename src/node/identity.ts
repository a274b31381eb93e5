/**
 * The persistent identities of a user's nodes on one machine. The first node to run takes identity 0, another beside
 * it identity 1, and so on, so that a node that comes back is the peer it was.
 */

import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey, PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type Claim, claimName } from './claim.ts'
import { isErrno } from './errno.ts'
import { machineName } from './machine-name.ts'
import { NetworkError } from './network-error.ts'

export interface Identity {
  readonly privateKey: Ed25519PrivateKey
  readonly peerId: PeerId
  /** Which of the machine's identities this is, from 0. */
  readonly index: number
  /** Lets another node take this identity. The end of the process does so too. */
  release(): Promise<void>
}

/** More nodes than this on one machine is a runaway script. */
const IDENTITIES_MAX = 1024

/**
 * Takes the first identity that no running process has, and creates it where it is new.
 *
 * @throws NetworkError `IDENTITY_UNREADABLE`, `IDENTITIES_EXHAUSTED`, `DATA_DIR_UNUSABLE`; the signal's reason
 */
export async function claimIdentity(dataDir: string, options: { signal: AbortSignal }): Promise<Identity> {
  const directory = join(dataDir, 'identities', machineName())
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const { index, release } = await claimIndex(directory, options)
    try {
      const privateKey = await loadOrCreateKey(join(directory, `${index}.key`))
      return { privateKey, peerId: peerIdFromPrivateKey(privateKey), index, release }
    } catch (err) {
      await release()
      throw err
    }
  } catch (cause) {
    options.signal.throwIfAborted()
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause
    throw new NetworkError({ code: 'DATA_DIR_UNUSABLE', path: directory, detail: cause.message }, { cause })
  }
}

async function claimIndex(
  directory: string,
  options: { signal: AbortSignal },
): Promise<Claim & { index: number }> {
  for (let index = 0; index < IDENTITIES_MAX; index++) {
    options.signal.throwIfAborted()
    const claimed = await claimName(directory, String(index), options)
    if (claimed !== undefined) return { index, release: async () => await claimed.release() }
  }
  throw new NetworkError({ code: 'IDENTITIES_EXHAUSTED', path: directory, count: IDENTITIES_MAX })
}

async function loadOrCreateKey(path: string): Promise<Ed25519PrivateKey> {
  try {
    return decodeKey(await readFile(path), path)
  } catch (err) {
    if (!isErrno(err, 'ENOENT')) throw err
  }
  const key = await generateKeyPair('Ed25519')
  await writeAtomically(path, privateKeyToProtobuf(key))
  return key
}

function decodeKey(bytes: Uint8Array, path: string): Ed25519PrivateKey {
  try {
    const key = privateKeyFromProtobuf(bytes)
    if (key.type === 'Ed25519') return key
    throw new Error(`a key of type ${key.type}`)
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new NetworkError({ code: 'IDENTITY_UNREADABLE', path, detail }, { cause })
  }
}

/** Written beside, flushed and renamed: a machine that stops here has the whole key or none. */
async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const beside = `${path}.new`
  const file = await open(beside, 'w', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(beside, path)
}
