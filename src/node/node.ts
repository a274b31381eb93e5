/** Puts a node together: identity, transport, protocols, discovery, membership and, where it works for others, a worker. */
import { mkdir, rm } from 'node:fs/promises'
import { freemem } from 'node:os'
import { join } from 'node:path'
import type { Libp2p, PeerId } from '@libp2p/interface'
import { type FFmpegCapabilities, type LocatedTools, locateTools } from '../media/index.ts'
import { type Benchmark, benchmark } from '../protocols/benchmark/index.ts'
import { type Blob, blob } from '../protocols/blob/index.ts'
import { type Hello, type HelloProtocol, hello } from '../protocols/hello/index.ts'
import { type Segment, segment } from '../protocols/segment/index.ts'
import { parseAddress, parseListen } from './address.ts'
import { runBenchmark } from './benchmark.ts'
import { BlobStore } from './blob-store.ts'
import { Capacity } from './capacity.ts'
import { openDataDir } from './data-dir.ts'
import { type Discovery, discovery, SWARM_DEFAULT } from './discovery.ts'
import { makeDoor } from './door.ts'
import { claimIdentity, type Identity } from './identity.ts'
import { chooseKey, deriveSecrets } from './key/index.ts'
import { createSwarmNode } from './libp2p.ts'
import { LOOK_EVERY_MS, readCpuTimes, watchLoad } from './load.ts'
import { type Log, openLog } from './log.ts'
import { defaultSlots, type Machine, readMachine, readQuota } from './machine.ts'
import { createMembership, type Membership } from './membership.ts'
import { namedPeers } from './pair/paired.ts'
import { openSandbox, type Sandbox, type SandboxMode } from './sandbox/index.ts'
import { sweepSandboxes } from './sandbox/sweep.ts'
import { Traffic } from './traffic.ts'
import { SOFTWARE } from './version.ts'
import { Worker, type WorkerTaskEvent } from './worker/index.ts'
import { type SourceProxy, startSourceProxy } from './worker/source-proxy.ts'

export interface NodeInit {
  role: Hello['role']
  /** Where identities and work lie; by default the user's data directory. */
  dataDir?: string | undefined
  /** What people call this node; by default the machine's name. */
  name: string
  swarm?: string | undefined
  /** Only nodes with the same get in; `none`: all do. By default what is stored in the data directory, or none. */
  key?: string | undefined
  /** PeerIds: nobody else gets in; `paired` stands for the machines that were paired with this one, and this one itself. */
  allow?: readonly string[] | undefined
  /** PeerIds that do not get in. */
  deny?: readonly string[] | undefined
  /** Multiaddrs to listen on; by default a free port on all interfaces. */
  listen?: readonly string[] | undefined
  /** `host:port` or multiaddrs to dial, besides what is discovered. */
  connect?: readonly string[] | undefined
  /** False keeps quiet on the network: only `connect` and those who dial us. */
  mdns?: boolean | undefined
  slots?: number | undefined
  /** A worker takes nothing while others use more cores of the machine; undefined: whatever they use. */
  maxLoad?: number | undefined
  /** Whether ffmpeg works in a sandbox on data of others: where the system has one (`auto`, the default), always, or never. */
  sandbox?: SandboxMode | undefined
  onTask?(event: WorkerTaskEvent): void
}

/** What a node reads from outside: handed in, so that a test can hand in something else. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  readonly platform: NodeJS.Platform
  readonly arch: string
  /** Of the user; undefined where the system has none. */
  readonly uid: number | undefined
  /** A monotonic clock in milliseconds. */
  now(): number
  /** A number in [0, 1). */
  random(): number
}

/** A started node. */
export interface SwarmNode {
  readonly peerId: PeerId
  /** Whoever is on the network can join its swarm. */
  readonly isOpen: boolean
  readonly identity: Identity
  readonly libp2p: Libp2p
  readonly membership: Membership
  readonly discovery: Discovery | undefined
  readonly hello: HelloProtocol
  readonly segment: Segment
  readonly blob: Blob
  readonly benchmark: Benchmark
  readonly blobs: BlobStore
  readonly tools: LocatedTools
  readonly ffmpeg: FFmpegCapabilities
  readonly sandbox: Pick<Sandbox, 'kind' | 'reason'>
  readonly machine: Machine
  /** How many segments it encodes at once. */
  readonly capacity: Capacity
  /** Where this user's nodes keep what outlives them. */
  readonly dataDir: string
  /** A directory of this node's own, emptied at its start and its stop. */
  readonly workDir: string
  /** Blob bytes so far. */
  readonly traffic: Traffic
  readonly surroundings: Surroundings
  readonly log: Log
  /** How many tasks are at hand. */
  readonly busySlots: number
  /** Takes no new tasks; resolves when what runs is done and with its coordinators. */
  drain(): Promise<void>
  stop(): Promise<void>
}

/**
 * @throws MediaError TOOL_MISSING or TOOL_UNUSABLE; NetworkError PORT_IN_USE, LISTEN_FAILED, ADDRESS_INVALID,
 * DATA_DIR_UNUSABLE, IDENTITIES_EXHAUSTED, KEY_INVALID, KEY_UNREADABLE or PEER_ID_INVALID; the signal's reason.
 */
export async function createNode(
  init: NodeInit,
  surroundings: Surroundings,
  options: { signal: AbortSignal },
): Promise<SwarmNode> {
  const connect = (init.connect ?? []).map(parseAddress)
  const listen = init.listen?.map(parseListen)
  const dataDir = await openDataDir(init.dataDir, surroundings.env)
  const isLetIn = makeDoor(await namedPeers(init.allow, dataDir, options), init.deny)
  const swarm = init.swarm ?? SWARM_DEFAULT
  const key = await chooseKey(init.key, dataDir)
  const locating = locateTools({ ...surroundings, cacheDir: join(dataDir, 'bin') })
  const opening = locating.then((located) => {
    const { sandbox: mode = 'auto', role } = init
    return openSandbox(located, { ...surroundings, mode, needsLoopback: role === 'worker' }, options)
  })
  // Whoever has the identity is told first.
  opening.catch(() => {})
  const [, machine, secrets, identity] = await Promise.all([
    locating,
    readMachine(),
    key === undefined ? undefined : deriveSecrets(key, swarm),
    claimIdentity(dataDir, options),
  ]).catch(async (error: unknown) => {
    await opening.then(
      (sandbox) => sandbox.close(),
      () => {},
    )
    throw error
  })
  const undo: (() => unknown)[] = [() => identity.release()]
  const stop = async () => {
    while (undo.length > 0) await undo.pop()?.()
  }
  try {
    // The identity is this process's alone, and so is the directory named after it: what is there a crash has left.
    const workDir = join(dataDir, 'work', identity.peerId.toString())
    if (surroundings.platform === 'linux') void sweepSandboxes(dataDir)
    await rm(workDir, { recursive: true, force: true })
    await mkdir(workDir, { recursive: true, mode: 0o700 })
    undo.push(() => rm(workDir, { recursive: true, force: true }))

    const sandbox = await opening
    undo.push(() => sandbox.close())
    const { tools, ffmpeg } = sandbox
    const capacity = new Capacity({
      slots: init.slots ?? defaultSlots(machine.cores),
      isFixed: init.slots !== undefined,
      times: readCpuTimes(),
    })
    const look = async () => {
      if (!capacity.isOpen) return
      const cores = Math.min(machine.cores, (await readQuota()) ?? machine.cores)
      capacity.look(readCpuTimes(), freemem(), cores, surroundings.now() / 1000)
    }
    const looking = setInterval(() => void look(), LOOK_EVERY_MS)
    looking.unref()
    undo.push(() => clearInterval(looking))
    const blobs = new BlobStore()
    const traffic = new Traffic()
    const proxy = init.role === 'worker' ? await startSourceProxy(sandbox.listener) : undefined
    if (proxy !== undefined) undo.push(() => proxy.stop())
    const load =
      init.maxLoad === undefined
        ? undefined
        : watchLoad(surroundings.platform, () => (worker?.busySlots ?? 0) > 0)
    undo.push(() => load?.stop())
    let log: Log | undefined
    const worker = proxy === undefined ? undefined : createWorker(proxy)

    // Only those that are members are named; there is no other way to have said hello.
    const nameOf = (peer: string) =>
      membership.peers.find(({ id }) => id.toString() === peer)?.hello.name ?? `…${peer.slice(-8)}`
    const describeSelf = (): Hello => ({
      protocolVersion: 1,
      clockMs: Date.now(),
      software: SOFTWARE,
      name: init.name,
      swarm,
      role: init.role,
      state: worker?.state ?? 'idle',
      host: machine.id,
      cpus: [...machine.cpus],
      cores: machine.cores,
      slots: worker?.slots ?? 0,
      busySlots: worker?.busySlots ?? 0,
      serving: (worker?.serving ?? [])
        .slice(0, 16)
        .map(([coordinator, tasks]) => ({ name: nameOf(coordinator), tasks })),
      ffmpeg: { version: ffmpeg.version.slice(0, 64), encoders: ffmpeg.videoEncoders.slice(0, 512) },
    })
    const services = {
      hello: hello({ local: describeSelf }),
      segment: segment(worker === undefined ? {} : { handler: worker }),
      benchmark: benchmark(
        worker === undefined
          ? {}
          : {
              run: (request, _, { signal }) =>
                runBenchmark(tools.ffmpeg, request, { signal, now: surroundings.now }),
            },
      ),
      blob: blob({
        resolve: blobs.resolve,
        onBytesSent(peer, bytes) {
          traffic.count(peer.toString(), 'bytesSent', bytes)
          worker?.onFetched()
        },
        onBytesReceived: (peer, bytes) => traffic.count(peer.toString(), 'bytesReceived', bytes),
      }),
    }
    const withMdns = init.mdns !== false
    const libp2p = await createSwarmNode<{
      hello: HelloProtocol
      segment: Segment
      blob: Blob
      benchmark: Benchmark
      discovery?: Discovery
    }>({
      privateKey: identity.privateKey,
      isLetIn,
      ...(listen === undefined ? {} : { listen }),
      ...(secrets === undefined ? {} : { prologue: secrets.prologue }),
      services: withMdns
        ? { ...services, discovery: discovery({ swarm, id: secrets?.discoveryId }) }
        : services,
    })
    undo.push(() => libp2p.stop())
    if (worker !== undefined) {
      worker.attach(libp2p.services.blob)
      undo.push(() => worker.stop())
    }
    const membership = createMembership(
      {
        libp2p,
        hello: libp2p.services.hello,
        ping: libp2p.services.ping,
        discovery: libp2p.services.discovery,
      },
      { role: init.role, connect, now: surroundings.now, random: surroundings.random },
    )
    const openedLog = openLog(libp2p, membership)
    log = openedLog
    undo.push(() => openedLog.stop())
    await membership.start()
    undo.push(() => membership.stop())

    return {
      peerId: identity.peerId,
      isOpen: secrets === undefined && (init.allow ?? []).length === 0,
      identity,
      libp2p,
      membership,
      discovery: libp2p.services.discovery,
      hello: libp2p.services.hello,
      segment: libp2p.services.segment,
      blob: libp2p.services.blob,
      benchmark: libp2p.services.benchmark,
      blobs,
      tools,
      ffmpeg,
      sandbox,
      machine,
      capacity,
      dataDir,
      workDir,
      traffic,
      surroundings,
      log: openedLog,
      get busySlots() {
        return worker?.busySlots ?? 0
      },
      async drain() {
        libp2p.services.segment.hurry()
        await worker?.drain()
      },
      stop,
    }

    function createWorker(sourceProxy: SourceProxy): Worker {
      return new Worker({
        tools,
        ffmpeg,
        capacity,
        workDir,
        blobs,
        proxy: sourceProxy,
        now: surroundings.now,
        isLoaded: () => load !== undefined && load.cores > (init.maxLoad ?? 0),
        onTask(event) {
          log?.task(event)
          init.onTask?.(event)
        },
      })
    }
  } catch (error) {
    await stop()
    throw error
  }
}
