/**
 * The sandbox: runs of ffmpeg and ffprobe on data of others see no more than they need, where the system has bubblewrap and lets it
 * make namespaces. Whether it does shows in one run of each tool.
 */
import { lstat, readlink, realpath } from 'node:fs/promises'
import type { Server } from 'node:net'
import { totalmem } from 'node:os'
import { dirname } from 'node:path'
import {
  type Access,
  type Confinement,
  type FFmpegCapabilities,
  findOnPath,
  type Located,
  type LocatedTools,
  MediaError,
  readCapabilities,
  readToolVersion,
} from '../../media/index.ts'
import { NetworkError } from '../network-error.ts'
import { bubblewrapWords, SYSTEM_FILES, SYSTEM_ROOTS, type SystemFiles } from './bubblewrap.ts'
import { limitWords } from './limits.ts'
import { type LoopbackNamespace, openLoopbackNamespace } from './network.ts'

export type SandboxMode = 'auto' | 'require' | 'off'

export interface Sandbox {
  /** The tools, confined where they work on data of others. */
  readonly tools: LocatedTools
  readonly ffmpeg: FFmpegCapabilities
  /** What confines them beyond limits; undefined: nothing. */
  readonly kind: 'bubblewrap' | undefined
  /** Why nothing does. */
  readonly reason: string | undefined
  /** Whether memory and the size of outputs are bounded. */
  readonly hasLimits: boolean
  /** Where confined tools find this process on their loopback interface; undefined: on the machine's. */
  readonly listener: Server | undefined
  close(): Promise<void>
}

export interface SandboxInit {
  readonly mode: SandboxMode
  /** They ask this process for what they read. */
  readonly needsLoopback: boolean
  readonly env: NodeJS.ProcessEnv
  readonly platform: NodeJS.Platform
  /** Of the user; undefined where the system has none. */
  readonly uid: number | undefined
}

/** @throws NetworkError SANDBOX_MISSING where it is required; MediaError TOOL_UNUSABLE; the signal's reason */
export async function openSandbox(
  located: LocatedTools,
  init: SandboxInit,
  options: { signal: AbortSignal },
): Promise<Sandbox> {
  const prlimit = init.platform === 'linux' ? await findOnPath('prlimit', init) : undefined
  const limit = (access: Access) => (prlimit === undefined ? [] : limitWords(prlimit, totalmem(), access))
  let reason = "it is off by '--sandbox off'"
  if (init.mode !== 'off') {
    try {
      const sandbox = await openBubblewrap(located, init, limit, options)
      return { ...sandbox, hasLimits: prlimit !== undefined }
    } catch (error) {
      options.signal.throwIfAborted()
      reason = whyNot(error)
    }
  }
  if (init.mode === 'require') throw new NetworkError({ code: 'SANDBOX_MISSING', detail: reason })
  const limited = withConfinement(located, (access) => ({ outer: [], inner: limit(access), env: undefined }))
  return {
    tools: limited,
    ffmpeg: await readCapabilities(limited.ffmpeg, options),
    kind: undefined,
    reason,
    hasLimits: prlimit !== undefined,
    listener: undefined,
    close: async () => {},
  }
}

async function openBubblewrap(
  located: LocatedTools,
  init: SandboxInit,
  limit: (access: Access) => string[],
  options: { signal: AbortSignal },
): Promise<Omit<Sandbox, 'hasLimits'>> {
  if (init.platform !== 'linux') throw new Error(`there is none for ${init.platform}`)
  const [bwrap, nsenter, system] = await Promise.all([
    findOnPath('bwrap', init),
    findOnPath('nsenter', init),
    readSystemFiles(),
  ])
  if (bwrap === undefined) throw new Error("bwrap is not installed: see the package 'bubblewrap'")
  const userNamespace = init.uid !== 0
  let network: LoopbackNamespace | undefined
  if (init.needsLoopback) {
    if (nsenter === undefined) throw new Error("nsenter is not installed: see the package 'util-linux'")
    network = await openLoopbackNamespace({ bwrap, nsenter, userNamespace }, options)
  }
  try {
    const env = keptEnv(init.env)
    const programs = await Promise.all([realpath(located.ffmpeg.path), realpath(located.ffprobe.path)])
    const tools = withConfinement(located, (access, tool) => ({
      outer: network?.words ?? [],
      inner: [
        ...limit(access),
        ...bubblewrapWords(
          {
            ...{ bwrap, system, userNamespace, keepsNetwork: network !== undefined },
            program: programs[tool.name === 'ffmpeg' ? 0 : 1],
            path: tool.path,
          },
          access,
        ),
      ],
      env,
    }))
    // Of one place, what one finds there the other does.
    const isOther = dirname(programs[0]) !== dirname(programs[1])
    const [ffmpeg] = await Promise.all([
      readCapabilities(tools.ffmpeg, options),
      isOther ? readToolVersion(tools.ffprobe, options) : undefined,
    ])
    return {
      ...{ tools, ffmpeg, kind: 'bubblewrap', reason: undefined },
      listener: network?.listener,
      close: async () => await network?.close(),
    }
  } catch (error) {
    network?.listener.close()
    await network?.close()
    throw error
  }
}

function withConfinement(
  { ffmpeg, ffprobe }: LocatedTools,
  confine: (access: Access, tool: Located) => Confinement,
): LocatedTools {
  return {
    ffmpeg: { ...ffmpeg, confine: (access) => confine(access, ffmpeg) },
    ffprobe: { ...ffprobe, confine: (access) => confine(access, ffprobe) },
  }
}

/** What libraries are found by, and what hardware's are; nothing that says who the user is. */
const KEPT_ENV = /^(PATH|LANG|LC_[A-Z]+|LD_LIBRARY_PATH|LIBVA_[A-Z_]+|OMP_[A-Z_]+)$/

function keptEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value !== undefined && KEPT_ENV.test(name) ? [[name, value]] : [],
    ),
  )
}

async function readSystemFiles(): Promise<SystemFiles> {
  const found = await Promise.all(
    [...SYSTEM_ROOTS, ...SYSTEM_FILES].map(async (path) => ({
      path,
      stats: await lstat(path).catch(() => undefined),
    })),
  )
  const links = found.filter(({ path, stats }) => stats?.isSymbolicLink() && SYSTEM_ROOTS.includes(path))
  return {
    seen: found.flatMap(({ path, stats }) =>
      stats === undefined || links.some((link) => link.path === path) ? [] : [path],
    ),
    links: await Promise.all(links.map(async ({ path }) => ({ path, target: await readlink(path) }))),
  }
}

function whyNot(error: unknown): string {
  if (error instanceof MediaError) return `ffmpeg does not run in it: ${error.words}`
  return error instanceof Error ? error.message : String(error)
}
