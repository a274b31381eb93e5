/** Sources whose pictures tell on the way that they are to be shown otherwise: the output says of all what a single run says. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ended, LOOPBACK, runCli } from '../helpers/cli.ts'
import { capabilities, decodedFrames, ffmpeg, ffprobe } from '../helpers/ffmpeg.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ffswarm-look-'))
})
afterAll(async () => await rm(directory, { recursive: true, force: true }))

const X264 = '-c:v libx264 -preset ultrafast'
const BT709 = ['-color_primaries', 'bt709', '-color_trc', 'bt709', '-colorspace', 'bt709']
const BT601 = ['-color_primaries', 'smpte170m', '-color_trc', 'smpte170m', '-colorspace', 'smpte170m']
/** Parts of two seconds, one after the other. */
const CHANGES = {
  colours: [[], BT709],
  range: [BT709, [...BT709, '-color_range', 'pc']],
  shape: [[], ['-vf', 'setsar=4/3']],
  depth: [[], ['-pix_fmt', 'yuv420p10le']],
  size: [[], ['-vf', 'scale=240:180']],
  // There and back, to pictures of another aspect, and of another kind of colours.
  aspect: [[], ['-vf', 'scale=200:120'], []],
  sampling: [[], ['-pix_fmt', 'yuv422p10le'], []],
  chroma: [
    [...BT709, '-chroma_sample_location', 'left'],
    [...BT709, '-chroma_sample_location', 'topleft'],
  ],
  // The last says nothing, and is taken for what the one before it said.
  silence: [[...BT709, '-color_range', 'tv'], [...BT601, '-color_range', 'pc'], []],
  everything: [
    BT709,
    [
      ...['-color_range', 'pc', '-color_primaries', 'bt2020', '-color_trc', 'smpte2084'],
      ...['-colorspace', 'bt2020nc'],
    ],
  ],
} as const satisfies Record<string, readonly (readonly string[])[]>
type Change = keyof typeof CHANGES

const made = new Map<string, Promise<string>>()

function sourceWith(change: Change, extension = 'ts'): Promise<string> {
  const name = `${change}.${extension}`
  const known = made.get(name)
  if (known !== undefined) return known
  const making = makeSource(change, name)
  made.set(name, making)
  return making
}

async function makeSource(change: Change, name: string): Promise<string> {
  const names = CHANGES[change].map((_, at) => `${name}-${at}.ts`)
  for (const [at, options] of CHANGES[change].entries()) {
    await ffmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25:duration=2', '-pix_fmt', 'yuv420p'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', ...options],
      join(directory, names[at] ?? ''),
    )
  }
  const list = join(directory, `${name}.txt`)
  await writeFile(list, names.map((part) => `file ${part}\n`).join(''))
  const path = join(directory, name)
  await ffmpeg('-f', 'concat', '-i', list, '-c', 'copy', path)
  return path
}

async function encode(
  source: string,
  output: string,
  params: string,
  more: readonly string[] = [],
): Promise<Ended> {
  return await runCli(
    ['encode', '--params', params, '--segment-time', '1', ...LOOPBACK, ...more, '-o', output, source],
    { env: { FFSWARM_HOME: join(directory, 'home') } },
  )
}

async function singleRun(source: string, output: string, params: string, grid = '1/25'): Promise<void> {
  const exact = ['-fps_mode:v', 'passthrough', '-enc_time_base:v', grid]
  await ffmpeg('-i', source, '-map', '0', ...params.split(' '), ...exact, output)
}

/** What each frame, and the file, say of how the pictures are to be shown. */
async function looks(path: string): Promise<string> {
  const entries = 'sample_aspect_ratio,color_range,color_space,color_primaries,color_transfer'
  const told = await ffprobe(
    ...['-select_streams', 'v:0', '-show_entries', `frame=best_effort_timestamp,${entries}`],
    ...['-show_entries', `stream=${entries},field_order`, '-of', 'compact', path],
  )
  // Where an encoder begins, as it does with each segment, it tells more: of itself, and of timecode.
  return told
    .split('\n')
    .flatMap((line) => /^(frame|stream)\|.*?(?=\|side_data|$)/.exec(line)?.[0] ?? [])
    .join('\n')
}

const followsShape = capabilities.libavcodec < 61

describe('what changes in mid-film', () => {
  test.each<[Change | `${Change} in ${string}`, string, string, string[]]>([
    ['colours', 'mp4', X264, []],
    ['colours', 'mkv', X264, ['--mixed-builds']],
    ['colours', 'mp4', `${X264} -ss 2.52`, []],
    ['colours', 'mkv', '-c:v mpeg2video -vf tmix=frames=3', []],
    ['range', 'mkv', X264, []],
    ['range', 'mp4', `${X264} -ss 1.52`, []],
    ['shape', 'mp4', X264, []],
    ['shape', 'mkv', '-c:v ffv1 -ss 3', []],
    ['shape', 'mp4', `${X264} -vf scale=iw*sar*1.5:ih`, []],
    ['shape', 'ts', `${X264} -vf setsar=64/45`, []],
    ['depth', 'mkv', '-c:v ffv1', ['--verify', 'full']],
    ['size', 'mkv', '-c:v ffv1 -ss 3', ['--verify', 'full']],
    ['everything', 'mkv', '-c:v ffv1', ['--verify', 'full']],
    ['everything', 'mp4', `${X264} -qp 0 -pix_fmt yuv420p -ss 1`, []],
    ['everything in mp4', 'mkv', '-c:v ffv1 -pix_fmt bgr0', ['--verify', 'full']],
    ['aspect in mkv', 'mkv', '-c:v ffv1 -ss 1.4', ['--verify', 'full']],
    ['sampling', 'mkv', '-c:v ffv1 -vf scale=96:64', []],
    ['sampling in mkv', 'mkv', '-c:v ffv1 -s 96x64', []],
    ['chroma', 'mp4', `${X264} -qp 0`, []],
    ['silence', 'mkv', '-c:v ffv1', ['--verify', 'full']],
    ['silence in mkv', 'mkv', '-c:v ffv1', []],
  ])('%s into %s with %s %s is as in a single run', async (change, extension, params, more) => {
    const [what, container] = change.split(' in ') as [Change, string?]
    const source = await sourceWith(what, container)
    const place = await mkdtemp(join(directory, 'of-'))
    const [ours, plain] = [join(place, `ours.${extension}`), join(place, `plain.${extension}`)]
    const [ended] = await Promise.all([
      encode(source, ours, params, [...more, '-y']),
      singleRun(source, plain, params),
    ])
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(await looks(ours)).toBe(await looks(plain))
    if (/ffv1|-qp 0/.test(params)) expect(await decodedFrames(ours)).toEqual(await decodedFrames(plain))
  })

  test.skipIf(!followsShape).each([
    ['filter', `${X264} -vf scale=120:90`],
    ['encoder', '-c:v prores_ks -profile:v 0'],
  ])('is refused where conversions remember it: for the %s', async (what, params) => {
    const output = join(directory, `remembers-${what}.mov`)
    const ended = await encode(await sourceWith('colours'), output, params)
    expect(ended).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('NEW.mkv') })
  })

  test.skipIf(!followsShape)('is refused where the encoder would change with it', async () => {
    const output = join(directory, 'follows.ts')
    const ended = await encode(await sourceWith('shape'), output, X264)
    expect(ended).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('-vf setsar=1/1') })
  })

  test.skipIf(!followsShape).each([
    ['mpeg4 whose headers stand in the stream', '-c:v mpeg4 -bf 0'],
    ['whatever is left out before it', `${X264} -ss 2.4`],
  ])('is refused as well for %s', async (_, params) => {
    const output = join(directory, 'follows-too.ts')
    const ended = await encode(await sourceWith('shape'), output, params)
    expect(ended).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('-vf setsar=') })
  })

  test('is refused where -ss begins with pictures that say nothing', async () => {
    const output = join(directory, 'silent.mkv')
    const ended = await encode(await sourceWith('silence'), output, '-c:v ffv1 -ss 4.4')
    expect(ended).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('NEW.mkv') })
  })

  test.skipIf(followsShape)('goes unnoticed where the encoder is not told', async () => {
    const [ours, plain] = [join(directory, 'untold.ts'), join(directory, 'untold-plain.ts')]
    const source = await sourceWith('shape')
    const ended = await encode(source, ours, X264)
    expect(ended.exitCode, ended.stderr).toBe(0)
    await singleRun(source, plain, X264)
    expect(await looks(ours)).toBe(await looks(plain))
  })
})

test('the field order is that of the first frame kept, not of the first decoded', async () => {
  const source = join(directory, 'telecined.ts')
  await ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=24000/1001:duration=3', '-vf', 'telecine'],
    ...['-c:v', 'mpeg2video', '-flags', '+ilme+ildct', '-g', '15', '-bf', '2', source],
  )
  const params = `${X264} -vf pullup -ss 0.5`
  const [ours, plain] = [join(directory, 'pulled.mkv'), join(directory, 'pulled-plain.mkv')]
  const ended = await encode(source, ours, params)
  expect(ended.exitCode, ended.stderr).toBe(0)
  await singleRun(source, plain, params, '1001/30000')
  expect(await looks(ours)).toBe(await looks(plain))
})
