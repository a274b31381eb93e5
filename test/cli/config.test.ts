/** Settings of files and the environment, as a user has them. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LOOPBACK, runCli } from '../helpers/cli.ts'
import { contents, ffmpeg } from '../helpers/ffmpeg.ts'

let directory = ''
/** Of the user's own file, in a folder's below, and above both nothing. */
let folder = ''
const ownFile = () => join(directory, 'xdg', 'ffswarm', 'config.toml')

const cli = (args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}) =>
  runCli(args, {
    cwd: folder,
    env: {
      FFSWARM_HOME: join(directory, 'home'),
      XDG_CONFIG_HOME: join(directory, 'xdg'),
      FFSWARM_CONFIG: undefined,
      ...env,
    },
  })

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ffswarm-config-'))
  folder = join(directory, 'films', 'holidays')
  await mkdir(folder, { recursive: true })
  await mkdir(join(directory, 'xdg', 'ffswarm'), { recursive: true })
  await ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=size=160x96:rate=25:duration=1', '-c:v', 'libx264'],
    join(folder, 'film.mp4'),
  )
})
afterAll(async () => await rm(directory, { recursive: true, force: true }))

describe('settings', () => {
  test('are shown with where they come from', async () => {
    await writeFile(ownFile(), 'name = "attic"\n[encode]\npeers = 3\nwait = 9\n')
    await writeFile(join(directory, 'films', 'ffswarm.config.json'), '{"encode":{"peers":2}}')
    const { stdout, stderr, exitCode } = await cli(['config', '--json'], { FFSWARM_WAIT: '4' })
    expect([exitCode, stderr]).toEqual([0, ''])
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.filter(({ event }) => event === 'file')).toEqual([
      { event: 'file', path: join(directory, 'films', 'ffswarm.config.json'), of: 'project' },
      { event: 'file', path: ownFile(), of: 'user' },
    ])
    const ofEncode = lines.filter(({ command }) => command === 'encode')
    expect(ofEncode).toMatchObject([
      { name: 'name', value: 'attic', from: ownFile() },
      { name: 'peers', value: 2 },
      { name: 'wait', value: 4, from: 'the environment' },
    ])
    expect((await cli(['config'])).stdout).toContain('encode.peers')
  })

  test('do what the options do, and a preset of one’s own is one', async () => {
    await writeFile(
      ownFile(),
      `preset = "tiny"\n[presets.tiny]\nparams = "-c:v libx264 -preset ultrafast -vf scale=80:-2"\nextension = "mkv"\n`,
    )
    await rm(join(directory, 'films', 'ffswarm.config.json'))
    expect((await cli(['presets'])).stdout).toContain('scale=80:-2')
    const made = await cli(['encode', 'film.mp4', ...LOOPBACK])
    expect(made.exitCode, made.stderr).toBe(0)
    const { description } = await contents(join(folder, 'film.ffswarm.mkv'))
    expect(description.streams[0]).toMatchObject({ width: 80, height: 48 })
    const typed = await cli([
      'encode',
      'film.mp4',
      '--params',
      '-c:v libx264',
      '-o',
      'typed.mp4',
      ...LOOPBACK,
    ])
    expect(typed.exitCode, typed.stderr).toBe(0)
    expect((await contents(join(folder, 'typed.mp4'))).description.streams[0]).toMatchObject({ width: 160 })
  })

  test.each([
    ['a = [', /config\.toml cannot be used \(line 1:/],
    ['pears = 1', /config\.toml: pears: there is no such setting/],
    ['[encode]\npeers = "many"', /encode\.peers: a whole number up to 999999 is expected/],
    ['[presets.x]\nparam = "a"', /presets\.x: a preset has no param/],
    ['[presets."a b"]\nparams = "a"', /presets\.a b: a name of letters/],
    ['peers = { a = 1 }', /there is no command peers|peers\.a/],
    ['wait = 1979-05-27', /wait: text, a number/],
  ])('that are wrong are told of in a line: %j', async (text, words) => {
    await writeFile(ownFile(), text)
    for (const command of ['encode', 'config']) {
      const { exitCode, stderr } = await cli(command === 'encode' ? ['encode', 'none.mp4'] : ['config'])
      expect(exitCode).toBe(2)
      expect(stderr).toMatch(words)
      expect(stderr.trim().split('\n')).toHaveLength(1)
    }
    expect((await cli(['--help'])).exitCode).toBe(0)
    expect((await cli(['encode', 'none.mp4'], { FFSWARM_CONFIG: '' })).stderr).toContain('no such file')
  })

  test('of a folder do not say whom films are given to', async () => {
    await rm(ownFile())
    await writeFile(join(folder, 'ffswarm.config.toml'), 'connect = ["192.0.2.1:4001"]')
    const { exitCode, stderr } = await cli(['encode', 'film.mp4'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain("stands in the user's own file alone")
    await rm(join(folder, 'ffswarm.config.toml'))
  })

  test('have a file to begin with, each line of which is taken', async () => {
    const { stdout } = await cli(['config', '--example'])
    const lines = stdout.split('\n').map((line) => line.replace(/^# (?=[a-z[])/, ''))
    await writeFile(ownFile(), lines.join('\n'))
    const { stdout: shown, stderr } = await cli(['config'])
    expect(stderr).toBe('')
    expect(shown).toContain('presets.phone')
    expect(shown).toContain('encode.connect')
  })

  test('in a file that is named and missing are missed', async () => {
    const { exitCode, stderr } = await cli(['peers'], { FFSWARM_CONFIG: 'none.toml' })
    expect(exitCode).toBe(2)
    expect(stderr).toContain('none.toml')
  })
})
