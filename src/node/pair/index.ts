/**
 * Pairing: one machine shows a code, a person types it on another, and both know each other's nodes from then on and have the swarm's
 * key, which is made where there was none. It happens on connections of its own, beside whatever swarms there are.
 */
import { randomBytes } from 'node:crypto'
import type { PeerId } from '@libp2p/interface'
import { ProtocolError } from '../../protocols/errors.ts'
import { PAIR_PEERS_MAX, type Pair, type PairIntroduction, pair } from '../../protocols/pair/index.ts'
import { parseAddress, parseListen } from '../address.ts'
import { type Discovery, discovery } from '../discovery.ts'
import { claimIdentity, machineIdentities } from '../identity.ts'
import { newKey, parseKey, readStoredKey, storeKey } from '../key/index.ts'
import { createSwarmNode } from '../libp2p.ts'
import { NetworkError } from '../network-error.ts'
import { newCode, type PairCode, parseCode } from './code.ts'
import { addPaired, type PairedMachine, readPaired } from './paired.ts'

export { forgetPaired, type PairedMachine, readPaired } from './paired.ts'

export interface PairOptions {
  readonly dataDir: string
  /** What the other machine calls this one. */
  readonly name: string
  readonly listen: readonly string[] | undefined
  /** Where the other machine is, where it cannot be discovered. */
  readonly connect: readonly string[]
  readonly mdns: boolean
  readonly signal: AbortSignal
}

/** So long a code is good for. */
const CODE_MS = 10 * 60_000
/** Whoever tries so many others is guessing. */
const TRIES_MAX = 3
/** For the other machine to be found. */
const FIND_MS = 60_000

/** Members of a swarm and machines that are being paired do not take each other for the same. */
const PROLOGUE = new TextEncoder().encode('ffswarm pair 1')

/**
 * Shows a code, and waits until it has been typed elsewhere.
 *
 * @param show told the code, and the addresses where this machine can be reached
 * @throws NetworkError PAIR_TRIES, PAIR_NOBODY, and as of {@link createNode}; the signal's reason
 */
export async function showCode(
  options: PairOptions,
  show: (code: string, addresses: readonly string[]) => void,
): Promise<PairedMachine> {
  const code = newCode()
  const { dataDir } = options
  const stored = await readStoredKey(dataDir)
  const key = stored ?? newKey()
  const paired = Promise.withResolvers<PairIntroduction>()
  let tries = 0
  const { node, stop } = await startNode(options, code, {
    introduction: await introduce(options, key),
    onPaired: (_, theirs) => paired.resolve(theirs),
    onRefused() {
      if (++tries === TRIES_MAX) paired.reject(new NetworkError({ code: 'PAIR_TRIES', tries }))
    },
  })
  try {
    show(code.text, node.getMultiaddrs().map(String))
    const theirs = await within(CODE_MS, options.signal, paired.promise)
    // Only now it is somebody else's as well.
    if (stored === undefined) await storeKey(dataDir, key, { overwrite: false })
    return await remember(dataDir, theirs)
  } finally {
    await stop()
  }
}

/**
 * Looks for the machine that shows the code.
 *
 * @param replaceKey whether the key that it has takes the place of another one that is stored here
 * @throws NetworkError PAIR_CODE_INVALID, PAIR_CODE_WRONG, PAIR_NOBODY, KEY_EXISTS; the signal's reason
 */
export async function typeCode(
  options: PairOptions,
  text: string,
  { replaceKey }: { replaceKey: boolean },
): Promise<PairedMachine> {
  const code = parseCode(text)
  const { dataDir, signal } = options
  const addresses = options.connect.map(parseAddress)
  const stored = await readStoredKey(dataDir)
  // What cannot be read shows before anybody is told anything.
  await readPaired(dataDir)
  const { node, stop } = await startNode(options, code, { introduction: await introduce(options, null) })
  const found = Promise.withResolvers<PairIntroduction>()
  found.promise.catch(() => {})
  const tried = new Set<string>()
  /** The other machine is told of this one only when all of it is stored. */
  const accept = async (theirs: PairIntroduction) => {
    try {
      const key = theirs.key === null ? undefined : parseKey(theirs.key)
      if (key !== undefined && key !== stored) {
        await storeKey(dataDir, key, { overwrite: stored === undefined || replaceKey })
      }
      await remember(dataDir, theirs)
    } catch (error) {
      found.reject(error)
      throw error
    }
  }
  const over = new AbortController()
  // One after the other: whoever is asked can try a code, and the first who shows another ends it.
  let asking = Promise.resolve()
  const ask = (target: PeerId | (typeof addresses)[number]) => {
    asking = asking.then(() => askOne(target))
    return asking
  }
  const askOne = async (target: PeerId | (typeof addresses)[number]) => {
    if (tried.has(target.toString()) || over.signal.aborted) return
    tried.add(target.toString())
    try {
      const { remotePeer } = await node.dial(target, { signal: over.signal })
      found.resolve(await node.services.pair.introduce(remotePeer, { signal: over.signal, accept }))
    } catch (error) {
      if (isOtherCode(error)) {
        over.abort(error)
        found.reject(new NetworkError({ code: 'PAIR_CODE_WRONG' }))
      }
      // It may not be there yet: another try when it tells of itself again.
      else tried.delete(target.toString())
    }
  }
  const { discovery: local } = node.services
  local?.addEventListener('peer', ({ detail: { id, multiaddrs } }) => {
    void node.peerStore.patch(id, { multiaddrs }).then(
      () => ask(id),
      () => {},
    )
  })
  local?.query()
  const askAll = () => void Promise.all(addresses.map(ask))
  const timer = setInterval(askAll, ASK_EVERY_MS)
  askAll()
  try {
    const { name, peers } = await within(FIND_MS, signal, found.promise)
    return { name, peers }
  } finally {
    clearInterval(timer)
    over.abort(new Error('the pairing is over'))
    await stop()
  }
}

const ASK_EVERY_MS = 2_000

async function startNode(
  { dataDir, listen, mdns, signal }: PairOptions,
  { secret, discoveryId }: PairCode,
  init: Pick<Parameters<typeof pair>[0], 'introduction' | 'onPaired' | 'onRefused'>,
) {
  const identity = await claimIdentity(dataDir, { signal })
  try {
    const services = {
      pair: pair({ ...init, code: secret, random: (bytes) => new Uint8Array(randomBytes(bytes)) }),
    }
    const node = await createSwarmNode<{ pair: Pair; discovery?: Discovery }>({
      privateKey: identity.privateKey,
      ...(listen === undefined ? {} : { listen: listen.map(parseListen) }),
      prologue: PROLOGUE,
      services: mdns ? { ...services, discovery: discovery({ swarm: '', id: discoveryId }) } : services,
    })
    const stop = async () => {
      await node.stop()
      await identity.release()
    }
    return { node, stop }
  } catch (error) {
    await identity.release()
    throw error
  }
}

async function introduce(
  { dataDir, name, signal }: PairOptions,
  key: string | null,
): Promise<PairIntroduction> {
  const peers = await machineIdentities(dataDir, PAIR_PEERS_MAX, { signal })
  return { name, peers: peers.map(String), key }
}

async function remember(dataDir: string, { name, peers }: PairIntroduction): Promise<PairedMachine> {
  const machine = { name, peers }
  await addPaired(dataDir, machine)
  return machine
}

/** @throws NetworkError PAIR_NOBODY when the time is over */
async function within<T>(ms: number, signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const ended = Promise.withResolvers<never>()
  const timer = setTimeout(() => ended.reject(new NetworkError({ code: 'PAIR_NOBODY' })), ms)
  const onAbort = () => ended.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    if (signal.aborted) onAbort()
    return await Promise.race([promise, ended.promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

function isOtherCode(error: unknown): boolean {
  return error instanceof ProtocolError && error.failure.code === 'REFUSED' && error.failure.reason === 'CODE'
}
