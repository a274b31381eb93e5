/** What of the swarm can be seen from here: whether multicast comes and goes, who is there, in which version, and by which clock. */
import { readFile, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Check } from './doctor.ts'
import { listenForMulticast, type MulticastHeard } from './multicast-check.ts'
import { createNode, type NodeInit, type Surroundings } from './node.ts'
import { SOFTWARE } from './version.ts'

/** What was found out about another node. */
export interface SeenPeer {
  readonly name: string
  readonly software: string
  readonly ffmpeg: string | null
  /** By which its clock is ahead of ours, beyond what the way there and back explains; undefined: it does not tell. */
  readonly aheadMs: number | undefined
}

export interface SwarmLook {
  readonly seconds: number
  readonly signal: AbortSignal
}

/** As an observer of the swarm for some seconds. */
export async function checkSwarm(
  init: Omit<NodeInit, 'role'>,
  surroundings: Surroundings,
  { seconds, signal }: SwarmLook,
): Promise<Check[]> {
  const node = await createNode({ ...init, role: 'observer' }, surroundings, { signal })
  try {
    const listening = init.mdns === false ? undefined : listenForMulticast({ seconds, signal })
    await sleep(seconds * 1000, undefined, { signal })
    const heard = await listening
    const before = Date.now()
    const answers = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
    await node.membership.refresh({ signal: answers }).catch(() => signal.throwIfAborted())
    const after = Date.now()
    const seen = node.membership.peers.map(({ hello }): SeenPeer => {
      return {
        ...{ name: hello.name, software: hello.software, ffmpeg: hello.ffmpeg?.version ?? null },
        aheadMs: hello.clockMs === undefined ? undefined : ahead(hello.clockMs, before, after),
      }
    })
    const swarm = node.isOpen
      ? "open: whoever is on this network can take part; 'ffswarm pair' closes it"
      : 'closed: nodes of its key get in'
    return [
      { name: 'swarm', state: 'ok', detail: swarm },
      ...(heard === undefined ? [] : [multicastCheck(heard, seen.length)]),
      await checkFirewall(surroundings.platform, seen.length),
      nodesCheck(seen, node.membership.strangers),
      clockCheck(seen, after, await programTime()),
    ]
  } finally {
    await node.stop()
  }
}

const ANSWER_MS = 5_000

function ahead(clockMs: number, before: number, after: number): number {
  if (clockMs > after) return clockMs - after
  return clockMs < before ? clockMs - before : 0
}

export function multicastCheck(heard: MulticastHeard, nodes: number): Check {
  const name = 'multicast DNS'
  if (heard.failure !== undefined) {
    const detail = `cannot be used here (${heard.failure}): nodes must be named with --connect. Where another program holds UDP port 5353 for itself, such as avahi with disallow-other-stacks=yes, let it share the port`
    return { name, state: 'warning', detail }
  }
  if (!heard.itself) {
    const detail =
      'what is sent does not come back: a firewall holds it (UDP port 5353), or there is no route for it (ip route add 224.0.0.0/4 dev INTERFACE); nodes must be named with --connect'
    return { name, state: 'warning', detail }
  }
  const others =
    heard.others === 0
      ? 'nobody else answers: where others are, their firewall or the access point (client isolation) may hold it back'
      : `${heard.others} other ${heard.others === 1 ? 'machine answers' : 'machines answer'}`
  return {
    name,
    state: heard.others === 0 && nodes === 0 ? 'warning' : 'ok',
    detail: `sent and heard; ${others}`,
  }
}

/** Of whoever can be asked without being its administrator. */
async function checkFirewall(platform: NodeJS.Platform, nodes: number): Promise<Check> {
  const [ufw, firewalld] = await Promise.all([
    readFile('/etc/ufw/ufw.conf', 'utf8').catch(() => ''),
    stat('/run/firewalld').then(
      () => true,
      () => false,
    ),
  ])
  return firewallCheck({ platform, hasUfw: /^\s*ENABLED=yes/im.test(ufw), hasFirewalld: firewalld }, nodes)
}

export function firewallCheck(
  { platform, hasUfw, hasFirewalld }: { platform: NodeJS.Platform; hasUfw: boolean; hasFirewalld: boolean },
  nodes: number,
): Check {
  const [name, port] = ['firewall', 'with ffswarm join --port 4001']
  // Somebody was reached, so it is open as far as that goes.
  const state = nodes === 0 ? 'warning' : 'ok'
  if (hasUfw) {
    const detail = `ufw is on; it lets nodes in after: sudo ufw allow 5353/udp && sudo ufw allow 4001/tcp (${port})`
    return { name, state, detail }
  }
  if (hasFirewalld) {
    const detail = `firewalld is on; it lets nodes in after: sudo firewall-cmd --permanent --add-service=mdns --add-port=4001/tcp && sudo firewall-cmd --reload (${port})`
    return { name, state, detail }
  }
  if (platform === 'win32')
    return { name, state: 'ok', detail: 'Windows asks once: allow Node.js on private networks' }
  if (platform === 'darwin') {
    const detail = 'where macOS has it on: System Settings, Network, Firewall, Options: allow node'
    return { name, state: 'ok', detail }
  }
  return { name, state: 'ok', detail: 'neither ufw nor firewalld is on; others cannot be asked from here' }
}

export function nodesCheck(seen: readonly SeenPeer[], strangers: readonly string[]): Check {
  const locked =
    strangers.length === 0
      ? ''
      : `; at ${strangers.join(', ')} is a node of another key, or of none ('ffswarm pair' brings them together)`
  if (seen.length === 0) {
    const detail = `no other node is there: 'ffswarm join' on another machine makes one${locked}`
    return { name: 'nodes', state: strangers.length === 0 ? 'ok' : 'warning', detail }
  }
  const others = seen.filter(({ software }) => software !== SOFTWARE)
  const list = seen.map(
    ({ name, software, ffmpeg }) => `${name} (${software}${ffmpeg === null ? '' : `, FFmpeg ${ffmpeg}`})`,
  )
  const advice = others.length === 0 ? '' : `; here is ${SOFTWARE}: install one version everywhere`
  return {
    name: 'nodes',
    state: others.length === 0 && strangers.length === 0 ? 'ok' : 'warning',
    detail: `${list.join(', ')}${advice}${locked}`,
  }
}

/** Logs and reports of several machines are read side by side. */
const APART_MS = 2_000

/** @param programMs when this program was put here, which is past */
export function clockCheck(seen: readonly SeenPeer[], nowMs: number, programMs: number): Check {
  const name = 'clock'
  if (nowMs < programMs) {
    const detail = `it says ${new Date(nowMs).toISOString()}, which is before this program was installed: set it`
    return { name, state: 'warning', detail }
  }
  const apart = seen.filter(({ aheadMs }) => Math.abs(aheadMs ?? 0) > APART_MS)
  if (apart.length > 0) {
    const list = apart.map(({ name: peer, aheadMs = 0 }) => {
      return `that of ${peer} is ${(Math.abs(aheadMs) / 1000).toFixed(0)} s ${aheadMs > 0 ? 'ahead' : 'behind'}`
    })
    const detail = `${list.join(', ')}: encoding minds no clock, but logs and reports tell their times by it`
    return { name, state: 'warning', detail }
  }
  const told = seen.filter(({ aheadMs }) => aheadMs !== undefined).length
  const others =
    told === 0 ? '' : `, as ${told === 1 ? 'that of the other node' : `those of ${told} other nodes`}`
  return { name, state: 'ok', detail: `${new Date(nowMs).toISOString().slice(0, 19)}Z${others}` }
}

async function programTime(): Promise<number> {
  return await stat(fileURLToPath(import.meta.url)).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
}
