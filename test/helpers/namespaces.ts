/** Hosts of a network of their own: Linux network namespaces, made and removed by the test, with no way out. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export interface Host {
  /** Words that start a command on this host. */
  readonly launcher: readonly string[]
  readonly address: string
  /**
   * Makes its link one of so many kbit/s each way; on a switch alone.
   *
   * @returns false where this system shapes no traffic
   */
  shape?(kilobits: number): Promise<boolean>
  /** Pulls its cable out, or plugs it in again; on a switch alone. */
  plug?(isIn: boolean): Promise<void>
  /** Gives it another address, as a router does to a laptop that comes back; on a switch alone. */
  readdress?(): Promise<void>
  /** What is sent to it does not come, while what it sends does; on a switch alone. */
  deafen?(isDeaf: boolean): Promise<void>
  /** Makes its packets late, and some of them lost, or not any more; on a switch alone. */
  disturb?(isBad: boolean): Promise<void>
}

export interface Network {
  readonly hosts: readonly Host[]
  remove(): Promise<void>
}

/** Why there are no namespaces here, as a reason to skip; undefined where there are. */
export async function whyNoNamespaces(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'network namespaces are Linux’s'
  if (process.getuid?.() !== 0) return 'making network namespaces takes root'
  const name = namespaceName('trial')
  try {
    await ip('netns', 'add', name)
    await ip('netns', 'exec', name, 'true')
    return undefined
  } catch (error) {
    return `this system makes no network namespaces: ${String(error).split('\n')[0]}`
  } finally {
    await ip('netns', 'delete', name).catch(() => {})
  }
}

/** A host that has nothing but its loopback interface. */
export async function makeLonelyHost(): Promise<Network> {
  const name = namespaceName('alone')
  await ip('netns', 'add', name)
  await ip('-n', name, 'link', 'set', 'lo', 'up')
  return {
    hosts: [{ launcher: ['ip', 'netns', 'exec', name], address: '127.0.0.1' }],
    remove: () => removeAll([name]),
  }
}

/** Hosts on one switch, each with one interface, as in a home or an office. */
export async function makeSwitchedHosts(count: number): Promise<Network> {
  const wire = namespaceName('switch')
  const names = Array.from({ length: count }, (_, place) => namespaceName(`host${place}`))
  try {
    await ip('netns', 'add', wire)
    await ip('-n', wire, 'link', 'add', 'switch', 'type', 'bridge')
    await ip('-n', wire, 'link', 'set', 'switch', 'up')
    for (const [place, name] of names.entries()) {
      await ip('netns', 'add', name)
      await ip('-n', name, 'link', 'set', 'lo', 'up')
      await ip(
        '-n',
        name,
        'link',
        'add',
        'eth0',
        'type',
        'veth',
        'peer',
        'name',
        `port${place}`,
        'netns',
        wire,
      )
      await ip('-n', wire, 'link', 'set', `port${place}`, 'master', 'switch', 'up')
      await ip('-n', name, 'address', 'add', `${addressOf(place)}/24`, 'dev', 'eth0')
      await ip('-n', name, 'link', 'set', 'eth0', 'up')
      // There is no default route to find the way for multicast.
      await ip('-n', name, 'route', 'add', '224.0.0.0/4', 'dev', 'eth0')
    }
  } catch (error) {
    await removeAll([...names, wire])
    throw error
  }
  return {
    hosts: names.map((name, place) => ({
      launcher: ['ip', 'netns', 'exec', name],
      address: addressOf(place),
      shape: async (kilobits: number) =>
        (await shapeLink(name, 'eth0', kilobits)) && (await shapeLink(wire, `port${place}`, kilobits)),
      disturb: (isBad: boolean) => disturbLink(wire, `port${place}`, isBad ? BAD : undefined),
      deafen: (isDeaf: boolean) => disturbLink(wire, `port${place}`, isDeaf ? DEAF : undefined),
      readdress: async () => {
        const own = ['-n', name]
        await ip(...own, 'address', 'flush', 'dev', 'eth0')
        await ip(...own, 'address', 'add', `${addressOf(place + 100)}/24`, 'dev', 'eth0')
        await ip(...own, 'route', 'replace', '224.0.0.0/4', 'dev', 'eth0')
      },
      plug: (isIn: boolean) => ip('-n', wire, 'link', 'set', `port${place}`, isIn ? 'up' : 'down'),
    })),
    remove: () => removeAll([...names, wire]),
  }
}

async function shapeLink(namespace: string, device: string, kilobits: number): Promise<boolean> {
  const shape = ['root', 'tbf', 'rate', `${kilobits}kbit`, 'burst', '8k', 'latency', '100ms']
  try {
    await execute('tc', ['-n', namespace, 'qdisc', 'add', 'dev', device, ...shape])
    return true
  } catch {
    return false
  }
}

/** Of netem, and what comes near it where the kernel has none: a pipe so narrow that packets are late, and lost when they queue. */
const BAD = [
  ['netem', 'delay', '40ms', '20ms', 'loss', '5%', 'reorder', '10%'],
  ['tbf', 'rate', '400kbit', 'burst', '2k', 'limit', '6k'],
]

/** The second takes no packet of more than 60 bytes. */
const DEAF = [
  ['netem', 'loss', '100%'],
  ['tbf', 'rate', '8kbit', 'burst', '60', 'limit', '60'],
]

/** @param ways the first that the kernel has is taken; undefined: not any more */
async function disturbLink(
  namespace: string,
  device: string,
  ways: readonly (readonly string[])[] | undefined,
): Promise<void> {
  const link = ['-n', namespace, 'qdisc']
  if (ways === undefined) {
    await execute('tc', [...link, 'delete', 'dev', device, 'root']).catch(() => {})
    return
  }
  for (const way of ways) {
    try {
      await execute('tc', [...link, 'replace', 'dev', device, 'root', ...way])
      return
    } catch {
      // The next may be there.
    }
  }
  process.stderr.write(
    `skipped, a bad cable: this kernel has none of ${ways.map(([kind]) => kind).join(', ')}\n`,
  )
}

function addressOf(place: number): string {
  return `10.77.0.${place + 1}`
}

async function removeAll(names: readonly string[]): Promise<void> {
  await Promise.all(names.map((name) => ip('netns', 'delete', name).catch(() => {})))
}

let made = 0

function namespaceName(role: string): string {
  return `ffswarm-${process.pid}-${made++}-${role}`
}

async function ip(...args: readonly string[]): Promise<void> {
  await execute('ip', args)
}
