/** Each preset as a user runs it: it encodes, into the container that it is for. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { splitParams } from '../../src/media/index.ts'
import { PRESETS } from '../../src/node/presets.ts'
import { LOOPBACK, runCli } from '../helpers/cli.ts'
import { contents, ffmpeg, ffprobe, missingEncoders } from '../helpers/ffmpeg.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ffswarm-presets-'))
  const clip = ['-f', 'lavfi', '-i', 'testsrc2=size=160x96:rate=25:duration=2']
  await ffmpeg(
    ...[...clip, '-f', 'lavfi', '-i', 'sine=sample_rate=48000:duration=2', '-pix_fmt', 'yuv420p'],
    ...['-c:v', 'libx264', '-g', '25', '-c:a', 'aac', join(directory, 'film.mkv')],
  )
})
afterAll(async () => await rm(directory, { recursive: true, force: true }))

function encodersOf(params: string): string[] {
  return splitParams(params).filter(
    (_, at, words) => /^-c:[va]$/.test(words[at - 1] ?? '') && words[at] !== 'copy',
  )
}

describe('a preset', () => {
  test.for(PRESETS)('$name makes what it says', async ({ name, params, extension }, { skip }) => {
    const missing = await missingEncoders(encodersOf(params))
    if (missing.length > 0) skip(`this ffmpeg has no ${missing.join(', ')}`)
    const input = join(directory, 'film.mkv')
    const ended = await runCli(
      ['encode', input, '--preset', name, '--segment-time', '1', '-y', ...LOOPBACK],
      {
        env: { FFSWARM_HOME: join(directory, name) },
      },
    )
    expect(ended.exitCode, ended.stderr).toBe(0)
    const output = join(directory, `film.ffswarm${extension}`)
    expect((await contents(output)).videoTimes).toHaveLength(50)
    const codecs = await ffprobe('-show_entries', 'stream=codec_type', '-of', 'csv=p=0', output)
    expect(codecs.match(/video|audio/g)).toEqual(['video', 'audio'])
  })

  test('is told in full, for people and for programs', async () => {
    const [text, lines] = await Promise.all([runCli(['presets']), runCli(['presets', '--json'])])
    for (const { name, params } of PRESETS) {
      expect(text.stdout).toContain(name)
      expect(text.stdout).toContain(params)
    }
    expect(
      lines.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(PRESETS)
  })

  test.each([
    [['--preset', 'web-h256'], /web-h264/],
    [['--preset', 'web-h264', '--params', '-c:v ffv1'], /cannot be used with/],
  ])('that cannot be is refused: %s', async (words, why) => {
    const { exitCode, stderr } = await runCli(['encode', join(directory, 'film.mkv'), ...words])
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(why)
  })
})
