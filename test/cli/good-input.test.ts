/** What the command line makes of names, existing files and machines without an ffmpeg of their own. */
import { existsSync, readdirSync } from 'node:fs'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LOOPBACK, runCli } from '../helpers/cli.ts'
import { clipIn, twoVideos, whyNotMade } from '../helpers/clips.ts'
import { coloursKept } from '../helpers/clips-decoders.ts'
import { decodedFrames, ffmpeg, videoTimes } from '../helpers/ffmpeg.ts'

let directory = ''
let clip = ''
const env = () => ({ FFSWARM_HOME: join(directory, 'home') })

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ffswarm-cli-'))
  clip = join(directory, 'clip.mp4')
  await ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=3', '-c:v', 'libx264', '-g', '25', clip],
  )
})
afterAll(async () => await rm(directory, { recursive: true, force: true }))

const FAST = ['--params', '-c:v libx264 -preset ultrafast', '--segment-time', '1']

describe('file names', () => {
  test.each([
    ['spaces', 'a film of mine'],
    ['quotes', `it's a "film"`],
    ['a line feed', 'two\nlines'],
    ['a pattern of printf', 'film-%d-%03d'],
    ['a leading dash', '-film'],
    ['a colon, as of a protocol', 'concat:film'],
    ['letters beyond ASCII', 'Füße 日本語 🎬'],
    ['a backslash', 'a\\b'],
    ['brackets and globs', '[film] * ?'],
    ['a pipe', 'film|other'],
    ['the name of a protocol', 'file:film'],
    ['a space at its end', 'film '],
    ['signs that mean something in an address', 'film?a=1&b#c'],
    ['255 bytes with its ending', `${'ü'.repeat(125)}n`],
  ])('may have %s', async (_, name) => {
    const workplace = await mkdtemp(join(directory, 'names-'))
    await copyFile(clip, join(workplace, `${name}.mp4`))
    const ended = await runCli(['encode', ...FAST, ...LOOPBACK, '-o', `${name}.mkv`, '--', `${name}.mp4`], {
      cwd: workplace,
      env: env(),
    })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(readdirSync(workplace).sort()).toEqual([`${name}.mkv`, `${name}.mp4`].sort())
    expect(await videoTimes(join(workplace, `${name}.mkv`))).toHaveLength(75)
  })
})

test('audio that the container chooses the encoder of passes the check of the joined file', async () => {
  const source = join(directory, 'mono.mp4')
  const tone = ['-f', 'lavfi', '-i', 'sine=sample_rate=48000:duration=3']
  await ffmpeg('-i', clip, ...tone, '-map', '0', '-map', '1', '-c:v', 'copy', '-c:a', 'aac', source)
  const output = join(directory, 'stereo.mp4')
  const params = ['--params', '-c:v libx264 -preset ultrafast -ac 2', '--segment-time', '1']
  const ended = await runCli(['encode', ...params, ...LOOPBACK, '-o', output, source], { env: env() })
  expect(ended.exitCode, ended.stderr).toBe(0)
  expect(existsSync(output)).toBe(true)
})

test('a name for the codec that segments have no place for is taken where the container writes none', async () => {
  const output = join(directory, 'named.mkv')
  const params = ['--params', '-c:v libx264 -preset ultrafast -tag:v H264', '--segment-time', '1']
  const ended = await runCli(['encode', ...params, ...LOOPBACK, '-o', output, clip], { env: env() })
  expect(ended.exitCode, ended.stderr).toBe(0)
})

test('segments that are asked for are of one length', async () => {
  const output = join(directory, 'asked.mkv')
  const asked = ['--params', '-c:v libx264 -preset ultrafast', '--segment-time', '1', '--segment-request']
  const ended = await runCli(['encode', ...asked, ...LOOPBACK, '--json', '-o', output, clip], { env: env() })
  expect(ended.exitCode, ended.stderr).toBe(0)
  const assigned = ended.stdout.split('\n').filter((line) => line.includes('"state":"assigned"'))
  expect(assigned.map((line) => (JSON.parse(line) as { frames: number }).frames)).toEqual([25, 25, 25])
})

test('what will be lost is said once, before the first segment is done', async () => {
  const source = await clipIn(directory, twoVideos)
  const output = join(directory, 'lost.mkv')
  const ended = await runCli(['encode', ...FAST, ...LOOPBACK, '--json', '-o', output, source], { env: env() })
  expect(ended.exitCode, ended.stderr).toBe(0)
  const events = ended.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; state?: string; message?: string })
  const told = events.filter(({ event }) => event === 'warning').map(({ message }) => message)
  expect(told).toEqual([expect.stringMatching(/^video stream 1 /), expect.stringMatching(/^data stream 2 /)])
  const lastWarning = events.findLastIndex(({ event }) => event === 'warning')
  const firstDone = events.findIndex(({ event, state }) => event === 'segment' && state === 'verified')
  expect(lastWarning).toBeLessThan(firstDone)
})
describe.skipIf((await whyNotMade(coloursKept)) !== undefined)(
  'a file that decodes rightly from its start alone',
  () => {
    test('is so decoded, and its user told', async () => {
      const source = await clipIn(directory, coloursKept)
      const output = join(directory, 'colours.mkv')
      const ended = await runCli(
        [
          'encode',
          ...[
            '--params',
            '-c:v ffv1',
            '--segment-time',
            '1',
            '--json',
            ...LOOPBACK,
            '-o',
            output,
            '--',
            source,
          ],
        ],
        { env: env() },
      )
      expect(ended.exitCode, ended.stderr).toBe(0)
      const events = ended.stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
      expect(events.some(({ event, message }) => event === 'warning' && /from its start/.test(message))).toBe(
        true,
      )
      const { segments } = events.at(-1)
      expect(segments.length).toBeGreaterThan(1)
      expect(segments.every(({ decodedFrom }: { decodedFrom: unknown }) => decodedFrom === null)).toBe(true)
      const single = join(directory, 'colours-single.mkv')
      await ffmpeg('-i', source, '-c:v', 'ffv1', single)
      expect(await decodedFrames(output)).toEqual(await decodedFrames(single))
    })
  },
)

test.each(['0.1', '1', '1.5'])(
  'a film that filters begin %s s below zero is shown as a single run’s',
  async (early) => {
    const output = join(directory, `early-${early}.mp4`)
    const params = ['-c:v', 'libx264', '-qp', '0', '-vf', `setpts=PTS-${early}/TB`]
    const args = ['--params', params.join(' '), '--segment-time', '1', '--verify', 'full', '-y']
    const ended = await runCli(['encode', ...args, ...LOOPBACK, '-o', output, clip], { env: env() })
    expect(ended.exitCode, ended.stderr).toBe(0)
    const single = join(directory, 'early-single.mp4')
    await ffmpeg('-i', clip, ...params, '-fps_mode', 'passthrough', single)
    const [ours, singles] = [await decodedFrames(output), await decodedFrames(single)]
    // FFmpeg 7 does not show its own last one: such filters hide from it how long that lasts.
    expect(singles.length).toBeGreaterThanOrEqual(ours.length - 1)
    expect(ours.slice(0, singles.length)).toEqual(singles)
  },
)

test('what Matroska does not hold can still go into mov', async () => {
  const output = join(directory, 'animation.mov')
  const params = ['--params', '-c:v qtrle -pix_fmt argb', '--segment-time', '1']
  const ended = await runCli(['encode', ...params, ...LOOPBACK, '-o', output, clip], { env: env() })
  expect(ended.exitCode, ended.stderr).toBe(0)
  const single = join(directory, 'animation-single.mov')
  await ffmpeg('-i', clip, '-c:v', 'qtrle', '-pix_fmt', 'argb', single)
  expect(await decodedFrames(output)).toEqual(await decodedFrames(single))
})

describe('the output', () => {
  test('lies beside the input by default, under a name that says who made it', async () => {
    const workplace = await mkdtemp(join(directory, 'default-'))
    await copyFile(clip, join(workplace, 'film.mp4'))
    const ended = await runCli(['encode', ...FAST, ...LOOPBACK, join(workplace, 'film.mp4')], { env: env() })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(readdirSync(workplace).sort()).toEqual(['film.ffswarm.mp4', 'film.mp4'])
  })

  test('replaces an existing file with -y', async () => {
    const existing = join(directory, 'existing.mkv')
    await writeFile(existing, 'not so precious')
    const ended = await runCli(['encode', ...FAST, ...LOOPBACK, clip, '-y', '-o', existing], { env: env() })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(await videoTimes(existing)).toHaveLength(75)
  })

  test('is told of on standard error, and standard output stays free', async () => {
    const output = join(directory, 'told.mkv')
    const ended = await runCli(['encode', ...FAST, ...LOOPBACK, clip, '-o', output], { env: env() })
    expect(ended).toMatchObject({ exitCode: 0, stdout: '' })
    expect(ended.stderr).toContain(output)
  })

  test('is not told of with --quiet', async () => {
    const output = join(directory, 'quiet.mkv')
    const ended = await runCli(['encode', ...FAST, ...LOOPBACK, clip, '-q', '-o', output], { env: env() })
    expect(ended).toEqual({ exitCode: 0, stdout: '', stderr: '' })
    expect(existsSync(output)).toBe(true)
  })
})

const carried = ['@ffmpeg-binary', '@ffprobe-installer'].every((scope) => {
  try {
    createRequire(import.meta.url).resolve(`${scope}/${process.platform}-${process.arch}/package.json`)
    return true
  } catch {
    return false
  }
})

describe.skipIf(!carried)('a machine that has nothing but Node', () => {
  const bare = () => ({ ...env(), PATH: '/nowhere', FFSWARM_FFMPEG: undefined, FFSWARM_FFPROBE: undefined })

  test('uses the ffmpeg of the npm packages, and doctor says so', async () => {
    const { stdout, exitCode } = await runCli(['doctor', '--json', '--timeout', '0.1', ...LOOPBACK], {
      env: bare(),
    })
    expect(exitCode).toBe(0)
    const checks = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { name: string; state: string; detail: string })
    for (const name of ['ffmpeg', 'ffprobe']) {
      expect(checks.find((check) => check.name === name)).toMatchObject({
        state: 'ok',
        detail: expect.stringContaining('npm package'),
      })
    }
  })

  test('encodes with it, bit for bit what one run of it makes', async () => {
    const output = join(directory, 'packaged.mkv')
    const ended = await runCli(
      ['encode', clip, '-o', output, '--params', '-c:v ffv1', '--segment-time', '1', ...LOOPBACK],
      { env: bare() },
    )
    expect(ended.exitCode, ended.stderr).toBe(0)
    const hashes = async (path: string) => (await decodedFrames(path)).map((frame) => frame.split(' ')[1])
    expect(await hashes(output)).toEqual(await hashes(clip))
  })
})
