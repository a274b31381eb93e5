/**
 * The persistent identities of a user's nodes on one machine. The first node to run takes identity 0, another beside
 * it identity 1, and so on, so that a node that comes back is the peer it was.
 */

import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey, PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type Claim, claimName } from './claim.ts'
import { isErrno } from './errno.ts'
import { machineName } from './machine-name.ts'
import { NetworkError } from './network-error.ts'
import { writeWhole } from './write-whole.ts'

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
    throw toUnusable(cause, directory, options)
  }
}

function toUnusable(cause: unknown, path: string, options: { signal: AbortSignal }): unknown {
  options.signal.throwIfAborted()
  if (!(cause instanceof Error && 'syscall' in cause)) return cause
  return new NetworkError({ code: 'DATA_DIR_UNUSABLE', path, detail: cause.message }, { cause })
}

/**
 * The PeerIds of the first so many nodes of this user on this machine, whether or not they run, or ever did.
 *
 * @throws as of {@link claimIdentity}
 */
export async function machineIdentities(
  dataDir: string,
  count: number,
  options: { signal: AbortSignal },
): Promise<PeerId[]> {
  const directory = join(dataDir, 'identities', machineName())
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const keys = await Promise.all(
      Array.from({ length: count }, (_, index) => loadOrCreateKey(join(directory, `${index}.key`))),
    )
    return keys.map(peerIdFromPrivateKey)
  } catch (cause) {
    throw toUnusable(cause, directory, options)
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
  try {
    await writeWhole(path, privateKeyToProtobuf(key), { overwrite: false })
    return key
  } catch (err) {
    if (!isErrno(err, 'EEXIST')) throw err
    return decodeKey(await readFile(path), path)
  }
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
