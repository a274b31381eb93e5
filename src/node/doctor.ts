/** Looks at what this machine has for encoding in a swarm and says what is used, why, and what to do about the rest. */
import { statfs } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { type Located, locateTools, readCapabilities, whyNotEncoding } from '../media/index.ts'
import { createDataDir } from './data-dir.ts'
import { checkSwarm } from './doctor-swarm.ts'
import { defaultSlots, readMachine } from './machine.ts'
import type { NodeInit, Surroundings } from './node.ts'
import { openSandbox, type Sandbox } from './sandbox/index.ts'
import { SOFTWARE } from './version.ts'

export interface Check {
  readonly name: string
  readonly state: 'ok' | 'warning' | 'error'
  readonly detail: string
}

const ORIGINS: Readonly<Record<Located['origin'], string>> = {
  environment: 'named by',
  path: 'first on the',
  package: 'no other was found, so the one carried by npm package',
}

/** The encoders most people ask for. */
const COMMON_ENCODERS = ['libx264', 'libx265', 'libsvtav1', 'libvpx-vp9', 'libaom-av1']

export interface DoctorOptions {
  readonly signal: AbortSignal
  /** As what it looks for others. */
  readonly init: Omit<NodeInit, 'role'>
  /** How long it looks for them. */
  readonly seconds: number
}

export async function doctor(given: Surroundings, options: DoctorOptions): Promise<Check[]> {
  const { dataDir } = options.init
  const env = dataDir === undefined ? given.env : { ...given.env, FFSWARM_HOME: dataDir }
  const surroundings = { ...given, env }
  const machine = await readMachine()
  const ofMachine: Check[] = [
    { name: 'ffswarm', state: 'ok', detail: `${SOFTWARE}, Node ${process.versions.node}` },
    {
      name: 'machine',
      state: 'ok',
      detail: `${machine.cores} usable cores, ${defaultSlots(machine.cores)} slots by default`,
    },
    ...(await checkDataDir(surroundings)),
    ...(await checkTools(surroundings, options)),
    checkNetwork(),
  ]
  // Without ffmpeg there is no node; what is to be done about that is said.
  if (ofMachine.some(({ state }) => state === 'error')) return ofMachine
  try {
    return [...ofMachine, ...(await checkSwarm(options.init, surroundings, options))]
  } catch (error) {
    options.signal.throwIfAborted()
    return [...ofMachine, failed('swarm', error)]
  }
}

async function checkDataDir({ env }: Surroundings): Promise<Check[]> {
  try {
    const path = await createDataDir(env)
    const { bavail, bsize } = await statfs(path)
    const freeGb = (bavail * bsize) / 1e9
    const detail = `${path}, ${freeGb.toFixed(1)} GB free`
    return [{ name: 'data', state: freeGb < 1 ? 'warning' : 'ok', detail }]
  } catch (error) {
    return [failed('data', error)]
  }
}

async function checkTools(surroundings: Surroundings, options: { signal: AbortSignal }): Promise<Check[]> {
  const cacheDir = join(await createDataDir(surroundings.env).catch(() => '.'), 'bin')
  let tools: Awaited<ReturnType<typeof locateTools>>
  try {
    tools = await locateTools({ ...surroundings, cacheDir })
  } catch (error) {
    return [failed('ffmpeg', error)]
  }
  const where = ({ path, origin, originName }: Located) => `${path} (${ORIGINS[origin]} ${originName})`
  const checks: Check[] = [{ name: 'ffprobe', state: 'ok', detail: where(tools.ffprobe) }]
  try {
    const { version, videoEncoders } = await readCapabilities(tools.ffmpeg, options)
    const present = COMMON_ENCODERS.filter((name) => videoEncoders.includes(name))
    const missing = COMMON_ENCODERS.filter((name) => !videoEncoders.includes(name))
    checks.unshift({ name: 'ffmpeg', state: 'ok', detail: `${version}, ${where(tools.ffmpeg)}` })
    checks.push({
      name: 'encoders',
      state: present.length === 0 ? 'warning' : 'ok',
      detail: `${present.join(', ') || 'none of the usual ones'}${missing.length === 0 ? '' : `; missing: ${missing.join(', ')}`}`,
    })
  } catch (error) {
    checks.unshift(failed('ffmpeg', error))
  }
  const dies = tools.ffmpeg.launcher.length > 0
  checks.push({
    name: 'encoder processes',
    state: dies || surroundings.platform !== 'linux' ? 'ok' : 'warning',
    detail: dies
      ? 'lowest priority, and they end with this program even if it is killed'
      : 'lowest priority; without setpriv (util-linux) they outlive a killed program until their segment is done',
  })
  if (checks.some(({ state }) => state === 'error')) return checks
  const init = { ...surroundings, mode: 'auto', needsLoopback: true } as const
  const sandbox = await openSandbox(tools, init, options)
  try {
    return [...checks, await checkHardware(sandbox, options), checkSandbox(sandbox)]
  } finally {
    await sandbox.close()
  }
}

/** Those of a graphics card or of the processor's own, as they are named by the interface to them. */
const HARDWARE = /_(nvenc|qsv|amf|videotoolbox|v4l2m2m|mediacodec|rkmpp)$/

async function checkHardware(
  { tools, ffmpeg: { videoEncoders } }: Sandbox,
  options: { signal: AbortSignal },
): Promise<Check> {
  const known = videoEncoders.filter((name) => HARDWARE.test(name))
  if (known.length === 0)
    return { name: 'hardware', state: 'ok', detail: 'this ffmpeg has no hardware encoders' }
  const tried = await Promise.all(known.map((name) => whyNotEncoding(tools.ffmpeg, name, options)))
  const working = known.filter((_, at) => tried[at] === undefined)
  const idle = known.filter((_, at) => tried[at] !== undefined)
  return {
    name: 'hardware',
    state: 'ok',
    detail: `${working.length === 0 ? 'no hardware encoder works here' : working.join(', ')}${idle.length === 0 ? '' : ` (tried, and without a device for them: ${idle.join(', ')})`}`,
  }
}

function checkSandbox(sandbox: Sandbox): Check {
  const unlimited = sandbox.hasLimits
    ? ''
    : '; without prlimit (util-linux) nothing bounds the memory and the outputs of its tasks'
  return sandbox.kind === undefined
    ? {
        name: 'sandbox',
        state: 'warning',
        detail: `none: ${sandbox.reason}; ffmpeg works on films of whatever origin with all rights of this user${unlimited}`,
      }
    : {
        name: 'sandbox',
        state: sandbox.hasLimits ? 'ok' : 'warning',
        detail: `${sandbox.kind}: ffmpeg sees no files but those that it works on, and no network${unlimited}`,
      }
}

function checkNetwork(): Check {
  const addresses = Object.entries(networkInterfaces()).flatMap(([name, list]) =>
    (list ?? []).flatMap(({ internal, family, address }) =>
      internal || family !== 'IPv4' ? [] : `${name} ${address}`,
    ),
  )
  return addresses.length === 0
    ? {
        name: 'network',
        state: 'warning',
        detail: 'no network interface: only nodes on this machine are found',
      }
    : { name: 'network', state: 'ok', detail: addresses.join(', ') }
}

function failed(name: string, error: unknown): Check {
  return { name, state: 'error', detail: error instanceof Error ? error.message : String(error) }
}
