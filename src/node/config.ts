/**
 * Settings in files: the user's own, and those of the folder that is worked in. They are data: nothing in them is run. What they mean is
 * the matter of whoever asks.
 */
import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { isErrno } from './errno.ts'
import type { Preset } from './presets.ts'

export type SettingValue = string | number | boolean | readonly (string | number)[]

export interface Setting {
  /** The command that it is for; undefined: all that have it. */
  readonly command: string | undefined
  readonly name: string
  readonly value: SettingValue
}

export interface ConfigFile {
  readonly path: string
  readonly of: 'project' | 'user'
  readonly settings: readonly Setting[]
  readonly presets: readonly Preset[]
}

export interface Config {
  /** Those that are there; what the first one says counts. */
  readonly files: readonly ConfigFile[]
  /** Where the user's own is looked for first. */
  readonly userPath: string | undefined
}

export interface ConfigPlace {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly platform: NodeJS.Platform
  /** Of this process's user; undefined where the system has none. */
  readonly uid: number | undefined
}

export type ConfigFailure =
  | { code: 'CONFIG_UNREADABLE'; path: string; detail: string }
  /** @param setting as it stands in the file or the environment */
  | { code: 'CONFIG_INVALID'; path: string; setting: string; detail: string }

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly failure: ConfigFailure

  constructor(failure: ConfigFailure, options?: ErrorOptions) {
    super(describe(failure), options)
    this.failure = failure
  }

  get code(): string {
    return this.failure.code
  }
}

function describe(failure: ConfigFailure): string {
  switch (failure.code) {
    case 'CONFIG_UNREADABLE':
      return `${failure.path} cannot be used (${failure.detail}): mend it, or set FFSWARM_CONFIG to another file, or to nothing`
    case 'CONFIG_INVALID':
      return `${failure.path}: ${failure.setting}: ${failure.detail}`
  }
}

const ENDINGS = ['.toml', '.json']
/** Nobody writes more settings by hand. */
const BYTES_MAX = 2 ** 20

/**
 * `FFSWARM_CONFIG`, or `ffswarm/config.toml` (or `.json`) in the user's configuration directory: `XDG_CONFIG_HOME`, by default
 * `~/.config` (XDG Base Directory Specification 0.8), on Windows `APPDATA`; and `ffswarm.config.toml` (or `.json`) in the folder that is
 * worked in, or the nearest above it. An empty `FFSWARM_CONFIG` turns all of it off.
 *
 * @throws ConfigError
 */
export async function readConfig({ cwd, env, platform, uid }: ConfigPlace): Promise<Config> {
  if (env.FFSWARM_CONFIG === '') return { files: [], userPath: undefined }
  const user =
    env.FFSWARM_CONFIG === undefined
      ? join(configHome(env, platform), 'config')
      : resolve(cwd, env.FFSWARM_CONFIG)
  const userPaths = env.FFSWARM_CONFIG === undefined ? ENDINGS.map((ending) => `${user}${ending}`) : [user]
  const inProject = projectPaths(cwd).filter((path) => !userPaths.includes(path))
  const project = await firstRead(inProject, 'project', uid)
  const own = await firstRead(userPaths, 'user', undefined)
  if (own === undefined && env.FFSWARM_CONFIG !== undefined) {
    throw new ConfigError({
      code: 'CONFIG_UNREADABLE',
      path: user,
      detail: 'FFSWARM_CONFIG names it, and it is not there',
    })
  }
  return { files: [project, own].filter((file) => file !== undefined), userPath: userPaths[0] }
}

function configHome(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  if (platform === 'win32' && env.APPDATA) return join(env.APPDATA, 'ffswarm')
  if (env.XDG_CONFIG_HOME && isAbsolute(env.XDG_CONFIG_HOME)) return join(env.XDG_CONFIG_HOME, 'ffswarm')
  return join(env.HOME || homedir(), '.config', 'ffswarm')
}

/** From the folder upwards. */
function projectPaths(cwd: string): string[] {
  const paths: string[] = []
  for (let directory = resolve(cwd); ; directory = dirname(directory)) {
    for (const ending of ENDINGS) paths.push(join(directory, `ffswarm.config${ending}`))
    if (dirname(directory) === directory) return paths
  }
}

/** @param uid whose file it must be; others' files in a folder that all may write to are none of ours */
async function firstRead(
  paths: readonly string[],
  of: ConfigFile['of'],
  uid: number | undefined,
): Promise<ConfigFile | undefined> {
  for (const path of paths) {
    const text = await textOf(path, uid)
    if (text !== undefined) return toFile(path, of, await parse(path, text))
  }
  return undefined
}

async function textOf(path: string, uid: number | undefined): Promise<string | undefined> {
  try {
    const found = await stat(path)
    if (uid !== undefined && found.uid !== uid && found.uid !== 0) return undefined
    if (!found.isFile()) throw new Error('it is no file')
    if (found.size > BYTES_MAX) throw new Error('it is too large for one')
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (isErrno(cause, 'ENOENT', 'ENOTDIR')) return undefined
    // What is above the folder is nobody's business where it cannot be looked into.
    if (uid !== undefined && isErrno(cause, 'EACCES')) return undefined
    throw unreadable(path, cause)
  }
}

async function parse(path: string, text: string): Promise<unknown> {
  try {
    if (path.endsWith('.json')) return JSON.parse(text)
    // Most have no such file, and need not wait for it.
    const { parse: parseToml } = await import('smol-toml')
    return parseToml(text)
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function unreadable(path: string, cause: unknown): ConfigError {
  const [words = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n')
  const line = cause instanceof Error && 'line' in cause ? `line ${cause.line}: ` : ''
  const detail = `${line}${words.replace(/, \w+ '.*'$/, '')}`
  return new ConfigError({ code: 'CONFIG_UNREADABLE', path, detail }, { cause })
}

const PRESET_NAME = /^[a-z0-9][\w-]{0,40}$/i

function toFile(path: string, of: ConfigFile['of'], content: unknown): ConfigFile {
  const settings: Setting[] = []
  const presets: Preset[] = []
  for (const [name, value] of entriesOf(content)) {
    if (name === 'presets') {
      for (const [preset, told] of entriesOf(value)) presets.push(toPreset(path, preset, told))
    } else if (isTable(value)) {
      for (const [inner, set] of entriesOf(value)) settings.push(toSetting(path, name, inner, set))
    } else {
      settings.push(toSetting(path, undefined, name, value))
    }
  }
  return { path, of, settings, presets }
}

function toSetting(path: string, command: string | undefined, name: string, value: unknown): Setting {
  if (isSettingValue(value)) return { command, name, value }
  const setting = command === undefined ? name : `${command}.${name}`
  const detail = 'text, a number, true or false, or a list of such is expected'
  throw new ConfigError({ code: 'CONFIG_INVALID', path, setting, detail })
}

function isSettingValue(value: unknown): value is SettingValue {
  if (Array.isArray(value)) return value.every((one) => ['string', 'number'].includes(typeof one))
  return ['string', 'number', 'boolean'].includes(typeof value)
}

function toPreset(path: string, name: string, value: unknown): Preset {
  const refuse = (detail: string): never => {
    throw new ConfigError({ code: 'CONFIG_INVALID', path, setting: `presets.${name}`, detail })
  }
  if (!PRESET_NAME.test(name)) refuse('a name of letters, digits and hyphens is expected')
  const told = new Map(entriesOf(value))
  const textOr = (field: string, otherwise: string): string => {
    const text = told.get(field) ?? otherwise
    told.delete(field)
    return typeof text === 'string' ? text : refuse(`${field}: text is expected`)
  }
  const [params, description, extension] = [
    textOr('params', ''),
    textOr('description', ''),
    textOr('extension', '.mkv'),
  ]
  const [unknown] = told.keys()
  if (unknown !== undefined) refuse(`a preset has no ${unknown}, but params, description and extension`)
  if (params === '') refuse('its params are missing')
  if (!/^\.?[a-z0-9]{1,8}$/i.test(extension)) refuse('extension: an ending such as .mkv is expected')
  return { name, params, description, extension: extension.startsWith('.') ? extension : `.${extension}` }
}

function entriesOf(value: unknown): [string, unknown][] {
  return isTable(value) ? Object.entries(value) : []
}

function isTable(value: unknown): value is object {
  // A date is none, nor a list.
  return typeof value === 'object' && value !== null && PLAIN.includes(Object.getPrototypeOf(value))
}

const PLAIN: readonly unknown[] = [Object.prototype, null]
