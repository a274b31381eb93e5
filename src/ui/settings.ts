/**
 * Options of commands as settings: what files and the environment say of them stands in for what the command line does not say. Flag before
 * environment before the folder's file before the user's before the default.
 */
import type { Command, Option } from 'commander'
import type { Config, ConfigFile, SettingValue } from '../node/config.ts'
import { collect } from './arguments.ts'
import { table } from './tables.ts'

export interface Known {
  readonly command: string
  /** As it stands in a file. */
  readonly name: string
  readonly value: unknown
  /** As it was written. */
  readonly written: SettingValue
  /** The file, or the variable. */
  readonly from: string
}

/** What is wrong with a setting: where it stands, and what is expected. */
export type Refuse = (path: string, setting: string, detail: string) => never

/** They are of one call, have a place of their own (`key`), or say where these settings are. */
const NO_SETTINGS: ReadonlySet<string> = new Set([
  ...['key', 'data-dir', 'output', 'report', 'yes', 'json', 'watch', 'discard', 'forget', 'help', 'version'],
  ...['params-file', 'source'],
])
/** A folder that came from somewhere does not say whom its films are given to, nor what is let in. */
const OF_THE_USER: ReadonlySet<string> = new Set([
  ...['connect', 'listen', 'port', 'mdns', 'allow', 'deny', 'swarm', 'sandbox', 'name', 'log-file'],
])
/** Of these the one that is nearer counts, and the other is as if it were not there. */
const EITHER = [
  ['params', 'preset'],
  ['listen', 'port'],
  ['quiet', 'verbose'],
]

/** Where what a file says of params may be something else than what is asked about, it says nothing. */
const WITH_SETTINGS: ReadonlySet<string> = new Set([
  ...['join', 'encode', 'stream', 'resume', 'peers', 'benchmark', 'pair', 'doctor'],
])

/** Each name of a setting that a command has, with its options: `--local` and `--no-local` are one. */
export function settingsOf(command: Command): ReadonlyMap<string, readonly Option[]> {
  const byName = new Map<string, Option[]>()
  if (!WITH_SETTINGS.has(command.name())) return byName
  for (const option of command.options) {
    const name = option.long?.replace(/^--(no-)?/, '') ?? ''
    if (NO_SETTINGS.has(name) || option.hidden) continue
    byName.set(name, [...(byName.get(name) ?? []), option])
  }
  return byName
}

export function variableOf(name: string): string {
  return `FFSWARM_${name.toUpperCase().replaceAll('-', '_')}`
}

/** What files and the environment say for a command, each setting once. */
export function settingsFor(
  command: Command,
  { files }: Pick<Config, 'files'>,
  env: NodeJS.ProcessEnv,
  refuse: Refuse,
): Known[] {
  const options = settingsOf(command)
  const known = new Map<string, Known>()
  let layer = ''
  let ofLayer = new Set<string>()
  const set = (name: string, written: SettingValue, from: string, where: string) => {
    const [scope] = where.split('.').length > 1 ? [`${from} ${where.replace(/\..*$/, '')}`] : [from]
    if (scope !== layer) ofLayer = new Set()
    layer = scope
    const rivals = EITHER.find((names) => names.includes(name))?.filter((rival) => rival !== name) ?? []
    for (const rival of rivals) {
      if (ofLayer.has(rival))
        refuse(from, where, `${name} and ${rival} are one choice: leave one of them out`)
      known.delete(rival)
    }
    ofLayer.add(name)
    const value = parse(options.get(name) ?? [], written, (detail) => refuse(from, where, detail))
    known.set(name, { command: command.name(), name, value, written, from })
  }
  for (const file of files.toReversed()) {
    for (const of of [undefined, command.name()]) {
      for (const setting of file.settings) {
        if (setting.command !== of || !options.has(setting.name)) continue
        const where = of === undefined ? setting.name : `${of}.${setting.name}`
        set(setting.name, setting.value, file.path, where)
      }
    }
  }
  for (const name of options.keys()) {
    const told = env[variableOf(name)]
    if (told !== undefined && told !== '') set(name, told, 'the environment', variableOf(name))
  }
  return [...known.values()]
}

/** Settings that no command has, and those that a folder may not say. */
export function checkSettings(program: Command, files: readonly ConfigFile[], refuse: Refuse): void {
  for (const { path, of, settings } of files) {
    for (const { command, name } of settings) {
      const where = command === undefined ? name : `${command}.${name}`
      const commands = program.commands.filter((known) => command === undefined || known.name() === command)
      if (commands.length === 0) refuse(path, where, `there is no command ${command}`)
      if (!commands.some((known) => settingsOf(known).has(name))) {
        refuse(
          path,
          where,
          `there is no such setting; 'ffswarm ${command ?? 'encode'} --help' lists the options`,
        )
      }
      if (of === 'project' && OF_THE_USER.has(name)) {
        refuse(path, where, "that stands in the user's own file alone: 'ffswarm config' says where that is")
      }
    }
  }
}

/** Has what is set stand in for what the command line does not say. */
export function applySettings(command: Command, known: readonly Known[]): void {
  const isTyped = (name: string) =>
    settingsOf(command)
      .get(name)
      ?.some((option) => {
        return command.getOptionValueSource(option.attributeName()) === 'cli'
      }) === true
  for (const { name, value } of known) {
    const rivals = EITHER.find((names) => names.includes(name)) ?? [name]
    const [option] = settingsOf(command).get(name) ?? []
    if (option === undefined || rivals.some(isTyped)) continue
    command.setOptionValueWithSource(option.attributeName(), value, 'config')
  }
}

function parse(
  options: readonly Option[],
  written: SettingValue,
  refuse: (detail: string) => never,
): unknown {
  const [option] = options
  if (option === undefined) return written
  const takesValue = option.required || option.optional
  if (!takesValue) {
    const value = truth(written)
    return value ?? refuse('true or false is expected')
  }
  if (typeof written === 'boolean') return refuse('a value is expected')
  if (typeof written === 'object' && !isList(option)) return refuse('one value is expected, not a list')
  const parts = typeof written === 'object' ? written : isList(option) ? `${written}`.split(',') : [written]
  let value: unknown
  try {
    for (const part of parts) {
      value = option.parseArg === undefined ? String(part) : option.parseArg(String(part), value as never)
    }
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
  return value
}

function isList({ parseArg }: Option): boolean {
  return parseArg === (collect as unknown)
}

function truth(written: SettingValue): boolean | undefined {
  if (typeof written === 'boolean') return written
  if (/^(1|true|yes|on)$/i.test(String(written))) return true
  return /^(0|false|no|off)$/i.test(String(written)) ? false : undefined
}

export function configText({ files, userPath }: Config, known: readonly Known[]): string {
  const lines = files.map(({ path, of }) => `${path} (${of === 'user' ? 'your own' : "this folder's"})`)
  if (!files.some(({ of }) => of === 'user')) {
    lines.push(
      `${userPath ?? 'no file is read: FFSWARM_CONFIG is empty'}${userPath === undefined ? '' : ' (your own: it is not there)'}`,
    )
  }
  const settings = known.map(({ command, name, written, from }) => {
    const value = typeof written === 'object' ? written.join(', ') : `${written}`
    return [`${command}.${name}`, value, from]
  })
  const presets = files.flatMap(({ path, presets: own }) =>
    own.map(({ name, params }) => [`presets.${name}`, params, path]),
  )
  const rows = [...settings, ...presets]
  if (rows.length === 0)
    return `${lines.join('\n')}\nnothing is set; 'ffswarm config --example' shows a file to begin with\n`
  return `${lines.join('\n')}\n\n${table(['SETTING', 'VALUE', 'FROM'], rows)}`
}

/** Each of its lines is taken as it stands. */
export const CONFIG_EXAMPLE = `# Settings of ffswarm: each option by its name, for all commands or for one. What is typed counts more.
# Yours lie in ~/.config/ffswarm/config.toml, those of a folder in its ffswarm.config.toml.

# name = "attic"
# connect = ["192.168.1.20:4001"]      # nodes that are not found by themselves

[encode]
# peers = 2                            # wait for two other nodes first
# preset = "archive-av1"

[join]
# slots = 2
# max-load = 1.5                       # leave the machine to its owner

# [presets.phone]                      # ffswarm encode film.mkv --preset phone
# description = "for the train"
# params = "-c:v libx264 -crf 26 -vf scale=-2:480 -c:a aac -b:a 96k"
# extension = ".mp4"
`
