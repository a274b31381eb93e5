/** The report as a page, and reports of earlier jobs. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readReport } from '../../src/node/coordinator/read-report.ts'
import { LOOPBACK, runCli } from '../helpers/cli.ts'
import { contents, decodedFrames, ffmpeg } from '../helpers/ffmpeg.ts'

let directory = ''
let clip = ''
const env = () => ({ FFSWARM_HOME: join(directory, 'home') })
const cli = (...args: string[]) => runCli(args, { env: env() })

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ffswarm-page-'))
  clip = join(directory, "Ann's <b>film.mkv")
  await ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=size=192x108:rate=25:duration=3'],
    ...['-itsoffset', '0.3', '-f', 'lavfi', '-i', 'sine=sample_rate=48000:duration=2.7'],
    ...['-c:v', 'libx264', '-g', '25', '-c:a', 'aac', clip],
  )
})
afterAll(async () => await rm(directory, { recursive: true, force: true }))

async function encode(name: string, params: string, report: string) {
  const output = join(directory, name)
  const args = ['encode', clip, '-o', output, '--params', params, '--report', join(directory, report)]
  const ended = await cli(...args, '--segment-time', '1', ...LOOPBACK)
  expect(ended.exitCode, ended.stderr).toBe(0)
  return { output, report: await readReport(join(directory, report)) }
}

describe('a page', () => {
  test('has looked at the pictures, and serves as a certificate', async () => {
    const { output, report } = await encode('page.mp4', '-c:v libx264 -preset ultrafast', 'page.html')
    expect(report).toMatchObject({ verdict: 'exact', level: 'full', output: { pictures: { compared: 67 } } })
    expect(report.output.pictures?.stretches?.[0]).toMatchObject({ first: 0, seconds: 0 })
    expect(report.output.bitRate?.bytes).toHaveLength(3)
    const page = await readFile(join(directory, 'page.html'), 'utf8')
    expect(page).toContain('<svg')
    expect(page).toContain('Ann&#39;s &lt;b&gt;film.mkv')
    const verified = await cli('verify', output, '--source', clip, '--report', join(directory, 'page.html'))
    expect(verified.exitCode, verified.stderr).toBe(0)
  })

  test('tells of the work: each attempt in its time, by whom, how well', async () => {
    const { work } = await readReport(join(directory, 'page.html'))
    expect(work?.phases.map(({ phase }) => phase)).toEqual([
      ...['probing', 'waiting', 'encoding', 'joining', 'verifying'],
    ])
    const verified = work?.attempts.filter(({ outcome }) => outcome === 'verified') ?? []
    expect(verified.reduce((sum, { frames }) => sum + frames, 0)).toBe(75)
    for (const { assigned, encoding, encoded, ended } of verified) {
      const times = [0, assigned, encoding ?? -1, encoded ?? -1, ended ?? -1, work?.wallSeconds ?? -1]
      expect(times).toEqual([...times].sort((a, b) => a - b))
    }
    expect(work?.peers).toMatchObject([{ name: 'this node', frames: 75 }])
    expect(work?.efficiency?.ofSum).toBeGreaterThan(0)
    expect(work?.efficiency?.ofSum).toBeLessThanOrEqual(1)
  })
})

describe('the single run that the report names', () => {
  test.each([
    ['mp4', '-c:v libx264 -qp 0 -preset ultrafast -c:a aac -b:a 96k'],
    ['mkv', '-c:v ffv1 -vf hflip -ss 0.5 -t 1.7 -c:a copy'],
    ['mp4', '-c:v libx264 -qp 0 -preset ultrafast -r 30 -map 0:v -movflags +faststart'],
    ['mkv', '-c:v ffv1 -force_key_frames expr:gte(t,n_forced*0.7) -metadata title=A -c:a flac'],
  ])('makes the same %s of %s', async (extension, params) => {
    const name = `single-${params.length}`
    const { output, report } = await encode(`${name}.${extension}`, params, `${name}.json`)
    const [program, ...words] = report.singleRun ?? []
    expect(program).toBe('ffmpeg')
    const single = join(directory, `${name}-plain.${extension}`)
    await ffmpeg(...words.slice(0, -1), single)
    expect(await decodedFrames(output)).toEqual(await decodedFrames(single))
    const [ours, plain] = [await contents(output), await contents(single)]
    expect(ours.videoTimes).toEqual(plain.videoTimes)
    expect(ours.otherPackets).toEqual(plain.otherPackets)
    expect(ours.description).toEqual(plain.description)
  })
})

describe('earlier jobs', () => {
  test('are listed, the last first, and kept from others', async () => {
    const { stdout, exitCode } = await cli('report', '--json')
    expect(exitCode).toBe(0)
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(rows.length).toBeGreaterThan(3)
    expect(rows.at(-1)).toMatchObject({ verdict: 'exact', frames: 75, nodes: 1, input: clip })
    const kept = join(directory, 'home', 'reports')
    for (const name of readdirSync(kept)) expect(statSync(join(kept, name)).mode & 0o77).toBe(0)
    expect((await cli('report')).stdout).toContain(rows[0].job)
  })

  test('are reported on again, as a page or in JSON', async () => {
    const { stdout } = await cli('report', '--json')
    const { job } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    const page = join(directory, 'again.html')
    const made = await cli('report', job, '-o', page)
    expect([made.exitCode, made.stdout]).toEqual([0, `${page}\n`])
    const asJson = await cli('report', page, '-o', join(directory, 'again.json'))
    expect(asJson.exitCode, asJson.stderr).toBe(0)
    expect(await readReport(join(directory, 'again.json'))).toEqual(await readReport(page))
    expect((await cli('report', job, '-o', '-')).stdout).toMatch(/^<!doctype html>/)
  })

  test('that are unknown, or no reports, are told of', async () => {
    const unknown = await cli('report', 'ffffffffffff')
    expect(unknown.exitCode).toBe(1)
    expect(unknown.stderr).toMatch(/no report of one job ffffffffffff.*ffswarm report/)
    const none = await cli('report', clip)
    expect(none.exitCode).toBe(1)
    expect(none.stderr).toContain('no report')
  })

  test('are not written over what is no report', async () => {
    const notes = join(directory, 'notes.html')
    await writeFile(notes, 'Dear all')
    const { stdout } = await cli('report', '--json')
    const { job } = JSON.parse(stdout.split('\n')[0] ?? '')
    expect((await cli('report', job, '-o', notes)).exitCode).toBe(1)
    expect(await readFile(notes, 'utf8')).toBe('Dear all')
    expect((await cli('report', job, '-o', notes, '-y')).exitCode).toBe(0)
    expect(existsSync(notes)).toBe(true)
  })
})
