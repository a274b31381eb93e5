/** The machines that were paired with this one, in a file of this user's. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { PAIR_PEERS_MAX } from '../../protocols/pair/index.ts'
import { isErrno } from '../errno.ts'
import { machineIdentities } from '../identity.ts'
import { NetworkError } from '../network-error.ts'
import { writeWhole } from '../write-whole.ts'

/** A machine, and the PeerIds of the nodes that it may run. */
export interface PairedMachine {
  readonly name: string
  readonly peers: readonly string[]
}

const MACHINES_MAX = 256

const shape = z.object({
  machines: z
    .array(z.object({ name: z.string().max(64), peers: z.array(z.string().max(128)).max(64) }))
    .max(MACHINES_MAX),
})

const fileOf = (dataDir: string) => join(dataDir, 'paired.json')

/** @throws NetworkError PAIRED_UNREADABLE: nobody is let in by mistake because of a damaged list */
export async function readPaired(dataDir: string): Promise<readonly PairedMachine[]> {
  const path = fileOf(dataDir)
  try {
    return shape.parse(JSON.parse(await readFile(path, 'utf8'))).machines
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return []
    const detail = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause)
    throw new NetworkError({ code: 'PAIRED_UNREADABLE', path, detail }, { cause })
  }
}

/** The word for all of them. */
const PAIRED = 'paired'

/**
 * PeerIds as they are named on a command line, with those of the machines that were paired with this one where they are.
 *
 * @throws NetworkError PAIRED_UNREADABLE; as of {@link machineIdentities}
 */
export async function namedPeers(
  names: readonly string[] | undefined,
  dataDir: string,
  options: { signal: AbortSignal },
): Promise<readonly string[] | undefined> {
  if (names?.includes(PAIRED) !== true) return names
  const [machines, own] = await Promise.all([
    readPaired(dataDir),
    machineIdentities(dataDir, PAIR_PEERS_MAX, options),
  ])
  const paired = [...own.map(String), ...machines.flatMap(({ peers }) => peers)]
  return names.flatMap((name) => (name === PAIRED ? paired : [name]))
}

/** A machine that comes again takes its own place: it is known by any of its PeerIds. */
export async function addPaired(dataDir: string, machine: PairedMachine): Promise<void> {
  const others = (await readPaired(dataDir)).filter(
    ({ peers }) => !peers.some((peer) => machine.peers.includes(peer)),
  )
  await write(dataDir, [...others, machine].slice(-MACHINES_MAX))
}

/** @param which name or PeerId @returns those that are forgotten */
export async function forgetPaired(dataDir: string, which: string): Promise<readonly PairedMachine[]> {
  const machines = await readPaired(dataDir)
  const isMeant = ({ name, peers }: PairedMachine) => name === which || peers.includes(which)
  const forgotten = machines.filter(isMeant)
  if (forgotten.length > 0)
    await write(
      dataDir,
      machines.filter((machine) => !isMeant(machine)),
    )
  return forgotten
}

async function write(dataDir: string, machines: readonly PairedMachine[]): Promise<void> {
  try {
    await writeWhole(fileOf(dataDir), `${JSON.stringify({ machines }, null, 2)}\n`)
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new NetworkError({ code: 'DATA_DIR_UNUSABLE', path: dataDir, detail }, { cause })
  }
}
