/** Several films by one command: directories, patterns, what is there already, and what fails. */
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isBatch, planBatch } from '../../src/node/batch.ts'
import { LOOPBACK, runCli } from '../helpers/cli.ts'
import { ffmpeg, tools, videoTimes } from '../helpers/ffmpeg.ts'

let directory = ''
let clip = ''
let place = ''
const at = (...names: string[]) => join(place, ...names)

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ffswarm-many-'))
  clip = join(directory, 'clip.mkv')
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=96x64:rate=25:duration=1', '-c:v', 'libx264', clip)
})
afterAll(async () => await rm(directory, { recursive: true, force: true }))
beforeEach(async () => {
  place = await mkdtemp(join(directory, 'of-'))
  await mkdir(at('films', 'season 2'), { recursive: true })
  for (const name of [
    'part 10.mkv',
    'part 9.mkv',
    'season 2/a.avi',
    'a.ffswarm.mkv',
    '.hidden.mkv',
    'notes.txt',
  ]) {
    await copyFile(clip, at('films', name))
  }
})

const NOWHERE = { outputDirectory: undefined, extension: undefined }

describe('which files, and into which', () => {
  test('a directory is its films, by name, and not what was made of them', async () => {
    const files = await planBatch([at('films')], NOWHERE)
    expect(files).toEqual([
      { inputPath: at('films/part 9.mkv'), outputPath: at('films/part 9.ffswarm.mkv') },
      { inputPath: at('films/part 10.mkv'), outputPath: at('films/part 10.ffswarm.mkv') },
      { inputPath: at('films/season 2/a.avi'), outputPath: at('films/season 2/a.ffswarm.mkv') },
    ])
  })

  test('in a directory for all of them they have their own tree', async () => {
    const files = await planBatch([at('films')], { outputDirectory: at('out'), extension: '.mp4' })
    expect(files.map(({ outputPath }) => outputPath)).toEqual([
      at('out/part 9.mp4'),
      at('out/part 10.mp4'),
      at('out/season 2/a.mp4'),
    ])
  })

  test('a pattern is what fits it, from its fixed part on', async () => {
    const files = await planBatch([at('films/**/*.avi')], {
      outputDirectory: at('out'),
      extension: undefined,
    })
    expect(files).toEqual([{ inputPath: at('films/season 2/a.avi'), outputPath: at('out/season 2/a.mkv') }])
  })

  test('a file is that file, whatever its name looks like, and once', async () => {
    await copyFile(clip, at('what [is] this?.mkv'))
    const odd = at('what [is] this?.mkv')
    expect(await isBatch([odd])).toBe(false)
    expect(await isBatch([at('films/*.mkv')])).toBe(true)
    expect(await isBatch([at('films')])).toBe(true)
    expect(await isBatch([at('missing.mkv')])).toBe(false)
    expect(await planBatch([odd, odd], NOWHERE)).toHaveLength(1)
  })

  test('an output in the place of its input goes beside it', async () => {
    const [file] = await planBatch([at('films/part 9.mkv')], {
      outputDirectory: at('films'),
      extension: undefined,
    })
    expect(file?.outputPath).toBe(at('films/part 9.ffswarm.mkv'))
  })

  test('two that would become one are refused, and nothing is none', async () => {
    await copyFile(clip, at('films/part 9.avi'))
    await expect(planBatch([at('films')], NOWHERE)).rejects.toMatchObject({ code: 'OUTPUTS_COLLIDE' })
    await mkdir(at('empty'))
    await expect(planBatch([at('empty')], NOWHERE)).rejects.toMatchObject({ code: 'INPUTS_NONE' })
    await expect(planBatch([at('*.mov')], NOWHERE)).rejects.toMatchObject({ code: 'INPUTS_NONE' })
  })
})

async function encode(...words: string[]) {
  const params = ['--params', '-c:v libx264 -preset ultrafast', '--json', ...LOOPBACK]
  const ended = await runCli(['encode', ...words, ...params], { env: { FFSWARM_HOME: at('home') } })
  const events = ended.stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
  const files = events.filter(({ event }) => event === 'file')
  return {
    ...ended,
    events,
    told: files.map(({ input, state }) => `${input.slice(place.length + 1)} ${state}`),
  }
}

test('one that fails keeps no other from being encoded, and what is there is skipped the next time', async () => {
  await writeFile(at('films/part 1.mkv'), 'no film')
  const first = await encode(at('films'), '-o', at('out'))
  expect(first.exitCode).toBe(1)
  expect(first.told).toEqual([
    'films/part 1.mkv begun',
    'films/part 1.mkv failed',
    ...['part 9.mkv', 'part 10.mkv', 'season 2/a.avi'].flatMap((name) => [
      `films/${name} begun`,
      `films/${name} done`,
    ]),
  ])
  expect(await videoTimes(at('out/season 2/a.mkv'))).toHaveLength(25)
  const { mtimeMs } = await stat(at('out/part 9.mkv'))
  await rm(at('films/part 1.mkv'))
  await rm(at('out/part 10.mkv'))
  const again = await encode(at('films'), '-o', at('out'))
  expect(again.exitCode, again.stderr).toBe(0)
  expect(again.told).toEqual([
    'films/part 9.mkv skipped',
    'films/part 10.mkv begun',
    'films/part 10.mkv done',
    'films/season 2/a.avi skipped',
  ])
  expect((await stat(at('out/part 9.mkv'))).mtimeMs).toBe(mtimeMs)
  expect(existsSync(at('out/part 10.mkv'))).toBe(true)
})

test('a certificate is about one film', async () => {
  const { exitCode, events } = await encode(at('films'), '--report', at('report.json'))
  expect([exitCode, events.at(-1)?.code]).toEqual([2, 'REPORT_OF_SEVERAL'])
})

test('while one is joined the next is encoded, and each is told of in its turn', async () => {
  await mkdir(at('marks'))
  const env = {
    FFSWARM_HOME: at('home'),
    FFSWARM_FFMPEG: fileURLToPath(new URL('../helpers/slow-join.mjs', import.meta.url)),
    FFSWARM_FFPROBE: tools.ffprobe.path,
    REAL_FFMPEG: tools.ffmpeg.path,
    MARKS: at('marks'),
    ...tools.ffmpeg.env,
  }
  const args = ['--params', '-c:v libx264 -preset ultrafast', '--json', '--sandbox', 'off', ...LOOPBACK]
  const { exitCode, stdout, stderr } = await runCli(['encode', at('films'), ...args], { env })
  expect(exitCode, stderr).toBe(0)
  expect(existsSync(at('marks', 'met'))).toBe(true)
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const turns = events.filter(
    ({ event, state }) => ['done', 'job'].includes(event) || (event === 'file' && state === 'begun'),
  )
  expect(turns.map(({ event, output }) => [event, output?.slice(place.length + 1)])).toEqual(
    ['part 9', 'part 10', 'season 2/a'].flatMap((name) =>
      ['file', 'job', 'done'].map((event) => [event, `films/${name}.ffswarm.mkv`]),
    ),
  )
  for (const name of ['part 9', 'part 10', 'season 2/a']) {
    expect(await videoTimes(at(`films/${name}.ffswarm.mkv`))).toHaveLength(25)
  }
})
