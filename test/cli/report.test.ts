/** The certificate of a job: true to what the files hold, and there even when the job fails. */
import { existsSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ptsDigest } from '../../src/media/frame-index.ts'
import { digestFile } from '../../src/media/verify.ts'
import { LOOPBACK, runCli } from '../helpers/cli.ts'
import { brokenTs } from '../helpers/clips-decoders.ts'
import { ffmpeg, otherPackets, tools, videoTimes } from '../helpers/ffmpeg.ts'

let directory = ''
let clip = ''
const env = () => ({ FFSWARM_HOME: join(directory, 'home') })
const FAST = ['--params', '-c:v libx264 -preset ultrafast', '--segment-time', '1', ...LOOPBACK]

interface Report {
  schema: string
  verdict: string
  failure?: { code: string; message: string; findings: { segment?: { index: number } }[] }
  source: { times: Times; sizeBytes: number }
  segments: {
    firstPts: number
    lastPts: number
    endPts: number
    frames: number
    sha256: string
    complaints: number
  }[]
  nodes: { frames: number; encoders: string[] }[]
  output: {
    times: Times
    expectedTimes: Times
    sha256: string
    audio: { start: Edge; end: Edge; packets: number }[]
  }
}
interface Times {
  count: number
  digest: string
  firstPts: number
  lastPts: number
}
interface Edge {
  expectedSeconds: number
  actualSeconds: number
}

const reportIn = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Report

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ffswarm-report-'))
  clip = join(directory, 'clip.mp4')
  await ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=size=192x108:rate=25:duration=3'],
    ...['-itsoffset', '0.3', '-f', 'lavfi', '-i', 'sine=sample_rate=48000:duration=2.7'],
    ...['-c:v', 'libx264', '-g', '25', '-c:a', 'aac', clip],
  )
})
afterAll(async () => await rm(directory, { recursive: true, force: true }))

async function expectTimes(times: Times, path: string) {
  const actual = await videoTimes(path)
  expect(times).toMatchObject({
    count: actual.length,
    digest: ptsDigest(BigInt64Array.from(actual, BigInt)),
    firstPts: actual[0],
    lastPts: actual.at(-1),
  })
}

describe('the report of a job that went well', () => {
  test.each(['mp4', 'mkv'])('to %s says what the files hold', async (extension) => {
    const output = join(directory, `well.${extension}`)
    const path = join(directory, `well.${extension}.json`)
    const ended = await runCli(['encode', clip, '-o', output, '--report', path, ...FAST], { env: env() })
    expect(ended.exitCode, ended.stderr).toBe(0)
    const report = reportIn(path)
    expect(report).toMatchObject({ schema: 'ffswarm-report/1', verdict: 'exact' })
    await expectTimes(report.source.times, clip)
    await expectTimes(report.output.times, output)
    expect(report.output.sha256).toBe((await digestFile(output)).sha256)
    expect(report.segments.map(({ frames }) => frames)).toEqual([25, 25, 25])
    const sourceTimes = await videoTimes(clip)
    const starts = [sourceTimes[0], sourceTimes[25], sourceTimes[50]]
    expect(report.segments.map(({ firstPts }) => firstPts)).toEqual(starts)
    expect(report.segments.map(({ lastPts }) => lastPts)).toEqual([24, 49, 74].map((at) => sourceTimes[at]))
    expect(report.nodes).toMatchObject([{ frames: 75, encoders: [expect.stringContaining('libx264')] }])
  })

  test('has both ends of the audio against the picture', async () => {
    const { audio } = reportIn(join(directory, 'well.mp4.json')).output
    const packets = await otherPackets(join(directory, 'well.mp4'))
    expect(audio).toHaveLength(1)
    expect(audio[0]?.packets).toBe(packets.length)
    expect(audio[0]?.start.actualSeconds).toBeCloseTo(packets[0]?.pts ?? Number.NaN, 3)
    expect(audio[0]?.start.expectedSeconds).toBeCloseTo(packets[0]?.pts ?? Number.NaN, 2)
    expect(audio[0]?.end.actualSeconds).toBeCloseTo(packets.at(-1)?.pts ?? Number.NaN, 3)
  })

  test('of a part of the film is about that part, and its pictures where they were looked at', async () => {
    const output = join(directory, 'part.mp4')
    const path = join(directory, 'part.json')
    const params = ['--params', '-c:v libx264 -preset ultrafast -ss 1 -t 1.2 -vf hflip', '--verify', 'full']
    const ended = await runCli(
      ['encode', clip, '-o', output, '--report', path, ...params, '--segment-time', '0.5', ...LOOPBACK],
      { env: env() },
    )
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(reportIn(path)).toMatchObject({
      verdict: 'exact',
      params: { startMicroseconds: 1_000_000, durationMicroseconds: 1_200_000, filters: 'hflip' },
      output: { times: { count: 30 }, pictures: { compared: 30 } },
    })
    await expectTimes(reportIn(path).output.times, output)
  })

  test('tells of a damaged source, segment by segment, and a warning says so too', async () => {
    const [source, path] = [join(directory, 'broken.ts'), join(directory, 'broken.json')]
    await brokenTs.make(source)
    const args = ['encode', source, '-o', join(directory, 'broken.mkv'), '--report', path, ...FAST]
    const ended = await runCli(args, { env: env() })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(ended.stderr).toContain('complains about the source')
    const complaints = reportIn(path).segments.map((segment) => segment.complaints)
    expect(complaints.at(0)).toBe(0)
    expect(Math.max(...complaints)).toBeGreaterThan(0)
  })

  test('is not put in place of the input, a directory or somebody’s notes', async () => {
    const notes = join(directory, 'notes.txt')
    await writeFile(notes, 'to be kept')
    for (const [path, code] of [
      [notes, 1],
      [clip, 1],
      [directory, 1],
      [join(directory, 'none', 'r.json'), 1],
    ] as const) {
      const output = join(directory, 'refused.mkv')
      const ended = await runCli(['encode', clip, '-o', output, '--report', path, '--json', ...FAST], {
        env: env(),
      })
      expect(ended.exitCode).toBe(code)
      expect(ended.stdout).toContain('REPORT_UNWRITABLE')
      expect(existsSync(output)).toBe(false)
    }
    expect(await readFile(notes, 'utf8')).toBe('to be kept')
    const replaced = join(directory, 'replaced.mkv')
    const args = ['encode', clip, '-o', replaced, '--report', notes, '-y', ...FAST]
    expect((await runCli(args, { env: env() })).exitCode).toBe(0)
    expect(reportIn(notes)).toMatchObject({ verdict: 'exact' })
  })
})

test.each([
  ['the input', () => clip],
  ['a file that is no log', () => join(directory, 'letter.txt')],
])('a log is not written into %s', async (_, nameOf) => {
  const path = nameOf()
  if (path !== clip) await writeFile(path, 'Dear all')
  const before = await readFile(path)
  for (const command of [['encode', clip, '-o', join(directory, 'unlogged.mkv'), ...FAST], ['peers']]) {
    const ended = await runCli([...command, '--log-file', path, '--no-mdns'], { env: env() })
    expect(ended.exitCode).toBe(1)
    expect(ended.stderr).toContain('--log-file')
  }
  expect((await readFile(path)).equals(before)).toBe(true)
})

describe('the report of a job that failed', () => {
  const broken = (how: string) => ({
    ...env(),
    FFSWARM_FFMPEG: fileURLToPath(new URL('../helpers/broken-join.mjs', import.meta.url)),
    FFSWARM_FFPROBE: tools.ffprobe.path,
    REAL_FFMPEG: tools.ffmpeg.path,
    BROKEN_JOIN: how,
    ...tools.ffmpeg.env,
  })

  test.each([
    ['frame', 'OUTPUT_FRAMES', 1],
    // Encoded once more, it may be whole.
    ['segment', 'SEGMENT_CHANGED', 4],
  ])('for a lost %s names the segment, and leaves no output', async (how, code, exitCode) => {
    const output = join(directory, `lost-${how}.mkv`)
    const path = join(directory, `lost-${how}.json`)
    await writeFile(path, JSON.stringify({ schema: 'ffswarm-report/1', of: 'an earlier try' }))
    const ended = await runCli(['encode', clip, '-o', output, '--report', path, ...FAST], {
      env: broken(how),
    })
    expect(ended.exitCode).toBe(exitCode)
    expect(ended.stderr).toMatch(/segment 1 \(1\.0 to 2\.0 s.*encoded by this node/)
    expect(existsSync(output)).toBe(false)
    const report = reportIn(path)
    expect(report).toMatchObject({ verdict: 'failed', failure: { code } })
    expect(report.segments).toHaveLength(3)
    if (how === 'frame') {
      expect(report.failure?.findings).toMatchObject([{ missing: 1, extra: 0, segment: { index: 1 } }])
      expect(report.output.times.count).toBe(74)
    }
  })

  test('before it began is a report all the same', async () => {
    const path = join(directory, 'bad.json')
    const ended = await runCli(
      ['encode', join(directory, 'none.mp4'), '-o', join(directory, 'x.mkv'), '--report', path, ...LOOPBACK],
      { env: env() },
    )
    expect(ended.exitCode).toBe(1)
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({
      verdict: 'failed',
      failure: { code: 'INPUT_MISSING' },
      segments: [],
    })
  })
})

describe('what is written beside a job', () => {
  test.each(['--report', '--log-file'])('is never its input, by whatever path (%s)', async (option) => {
    const [real, link] = [join(directory, `real${option}`), join(directory, `link${option}`)]
    await mkdir(real)
    await symlink(real, link)
    await copyFile(clip, join(real, 'clip.mp4'))
    const before = await digestFile(join(real, 'clip.mp4'))
    const output = join(directory, `out${option}.mp4`)
    const args = ['encode', join(real, 'clip.mp4'), '-o', output, option, join(link, 'clip.mp4'), ...FAST]
    const { exitCode, stderr } = await runCli(args, { env: env() })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/is the input or the output itself|it is there already and no log/)
    expect(await digestFile(join(real, 'clip.mp4'))).toEqual(before)
    expect(existsSync(output)).toBe(false)
    const itself = ['encode', clip, '-o', join(real, 'new.mp4'), option, join(link, 'new.mp4'), ...FAST]
    expect((await runCli(itself, { env: env() })).exitCode).toBe(1)
  })
})
