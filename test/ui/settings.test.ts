/** What stands in for words of the command line: which says what, and what none may say. */
import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import type { ConfigFile, Setting, SettingValue } from '../../src/node/config.ts'
import { collect, positiveInteger } from '../../src/ui/arguments.ts'
import { applySettings, checkSettings, settingsFor } from '../../src/ui/settings.ts'

const refuse = (path: string, setting: string, detail: string): never => {
  throw new Error(`${path} ${setting}: ${detail}`)
}

function file(of: ConfigFile['of'], settings: Readonly<Record<string, SettingValue>>): ConfigFile {
  return {
    ...{ path: of, of, presets: [] },
    settings: Object.entries(settings).map(([name, value]): Setting => {
      const [command, inner] = name.split('.')
      return inner === undefined ? { command: undefined, name, value } : { command, name: inner, value }
    }),
  }
}

/** The options of `encode` with these words, files and variables. */
function resolve(words: string, files: ConfigFile[] = [], env: NodeJS.ProcessEnv = {}) {
  let seen: Record<string, unknown> = {}
  const program = new Command('ffswarm').exitOverride()
  program
    .command('encode')
    .option('--peers <n>', '', positiveInteger)
    .option('--wait <s>', '', positiveInteger, 60)
    .option('--params <p>')
    .option('--preset <p>')
    .option('--connect <a>', '', collect)
    .option('--no-mdns')
    .option('--local')
    .option('--no-local')
    .option('--key <k>')
    .action((options) => {
      seen = { ...options }
    })
  program
    .command('verify')
    .option('--params <p>')
    .action(() => {})
  program.hook('preAction', (_, command) => {
    checkSettings(program, files, refuse)
    applySettings(command, settingsFor(command, { files }, env, refuse))
  })
  program.parse(['encode', ...words.split(' ').filter((word) => word !== '')], { from: 'user' })
  return seen
}

describe('what counts', () => {
  const user = file('user', { peers: 1, 'encode.wait': 5 })
  const project = file('project', { peers: 2 })

  test.each([
    ['--peers 4', [project, user], { FFSWARM_PEERS: '3' }, 4],
    ['', [project, user], { FFSWARM_PEERS: '3' }, 3],
    ['', [project, user], {}, 2],
    ['', [user], {}, 1],
    ['', [], {}, undefined],
  ])('"%s" %#', (words, files, env, peers) => expect(resolve(words, files, env).peers).toBe(peers))

  test('for a command is nearer than for all, of one file', () => {
    expect(resolve('', [file('user', { 'encode.wait': 7, wait: 6 })]).wait).toBe(7)
    expect(resolve('', [file('project', { wait: 8 }), user]).wait).toBe(8)
    expect(resolve('').wait).toBe(60)
  })

  test('an empty variable says nothing', () => {
    expect(resolve('', [user], { FFSWARM_PEERS: '' }).peers).toBe(1)
  })
})

describe('params and a preset', () => {
  test('are one choice: what is nearer has the other forgotten', () => {
    const [user, project] = [file('user', { params: 'a' }), file('project', { preset: 'b' })]
    expect(resolve('', [project, user])).toMatchObject({ preset: 'b' })
    expect(resolve('', [project, user]).params).toBeUndefined()
    expect(resolve('--params c', [project, user])).toMatchObject({ params: 'c' })
    expect(resolve('--params c', [project, user]).preset).toBeUndefined()
  })
})

describe('values', () => {
  test('are what the command line would make of them', () => {
    const files = [file('user', { connect: ['a:1', 'b:2'], mdns: false, local: true, peers: '2' })]
    expect(resolve('', files)).toMatchObject({ connect: ['a:1', 'b:2'], mdns: false, local: true, peers: 2 })
    expect(resolve('', [], { FFSWARM_MDNS: 'no', FFSWARM_LOCAL: '0' })).toMatchObject({
      ...{ mdns: false, local: false },
    })
    expect(resolve('', [], { FFSWARM_CONNECT: 'a:1,b:2' })).toMatchObject({ connect: ['a:1', 'b:2'] })
  })

  test.each([
    [{ peers: 'x' }, 'a whole number'],
    [{ peers: true }, 'a value is expected'],
    [{ mdns: 'perhaps' }, 'true or false'],
    [{ pears: 2 }, 'no such setting'],
    [{ 'encod.peers': 2 }, 'no command encod'],
    [{ 'verify.params': 'x' }, 'no such setting'],
    [{ key: 'secret' }, 'no such setting'],
  ])('of %j are refused', (settings, words) => {
    expect(() => resolve('', [file('user', settings as Record<string, SettingValue>)])).toThrow(words)
  })

  test('that say whom films are given to are none of a folder’s business', () => {
    expect(() => resolve('', [file('project', { connect: ['evil:1'] })])).toThrow("user's own file")
    expect(() => resolve('', [file('project', { 'encode.mdns': false })])).toThrow("user's own file")
  })
})
