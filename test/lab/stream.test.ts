/** A live film over real nodes: every frame on air, in order, at its time, whatever dies. */
import '../helpers/fast-tools.ts'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LOOPBACK, runCli, startCli } from '../helpers/cli.ts'
import { contents, decodedFrames, ffmpeg } from '../helpers/ffmpeg.ts'
import { expectLivePlaylists, readPlaylist } from '../helpers/playlists.ts'
import { leftIn, newHome, startWorker, useLab } from '../helpers/swarm.ts'

const lab = useLab()
let directory = ''
const SECONDS = 8
const FRAMES = SECONDS * 25

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ffswarm-stream-'))
  await ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=size=192x108:rate=25:duration=${SECONDS}`, '-f', 'lavfi'],
    ...[
      '-i',
      `sine=sample_rate=48000:duration=${SECONDS}`,
      '-c:v',
      'libx264',
      '-g',
      '50',
      '-bf',
      '2',
      '-c:a',
      'aac',
    ],
    join(directory, 'live.ts'),
  )
})
afterAll(async () => await rm(directory, { recursive: true, force: true }))

const pictures = async (path: string) => (await decodedFrames(path)).map((line) => line.replace(/^\S+ /, ''))

interface Play {
  input?: string
  streamParams?: string
  params?: string
  args?: readonly string[]
  connect?: readonly string[]
  /** Called with each event, while the stream runs. */
  onEvent?(event: Readonly<Record<string, unknown>>): void
}

async function play(
  name: string,
  {
    input = 'live.ts',
    streamParams = '-hls_time 2 -hls_playlist_type event',
    params = '-c:v libx264 -qp 0 -preset ultrafast',
    args = [],
    connect = [],
    onEvent,
  }: Play,
) {
  const output = join(directory, name)
  const home = await newHome(lab)
  const process = startCli(
    [
      ...['stream', join(directory, input), '--realtime', '--out', output, '--params', params, '--json'],
      ...['--stream-params', streamParams, ...LOOPBACK],
      ...connect.flatMap((address) => ['--connect', address]),
      ...args,
    ],
    { env: { FFSWARM_HOME: home } },
  )
  const readings: string[] = []
  let seen = 0
  const timer = setInterval(() => {
    for (; seen < process.events.length; seen++) onEvent?.(process.events[seen] ?? {})
    const path = join(output, 'stream.m3u8')
    if (existsSync(path)) readings.push(readFileSync(path, 'utf8'))
  }, 200)
  const { exitCode, stderr } = await process.ended
  clearInterval(timer)
  expect([exitCode, stderr]).toEqual([0, ''])
  readings.push(readFileSync(join(output, 'stream.m3u8'), 'utf8'))
  expectLivePlaylists(readings)
  expect(leftIn(home)).toEqual([])
  return { output, events: process.events, ended: process.events.at(-1), readings }
}

/** Bit for bit, and the sound beside it. */
async function expectOnAir(output: string) {
  const playlist = join(output, 'index.m3u8')
  const joined = join(directory, 'joined.mp4')
  await ffmpeg('-i', playlist, '-map', '0:v:0', '-map', '0:a:0', '-c', 'copy', joined)
  expect(await pictures(joined)).toEqual(await pictures(join(directory, 'live.ts')))
  const { otherPackets, videoTimes } = await contents(joined)
  expect(videoTimes).toHaveLength(FRAMES)
  const gaps = otherPackets.slice(1).map(({ pts }, at) => pts - (otherPackets[at]?.pts ?? 0))
  for (const gap of gaps) expect(gap).toBeCloseTo(1024 / 48000, 3)
}

describe('a stream', () => {
  test('is on air bit for bit, the delay later, made by two nodes', async () => {
    const workers = await Promise.all([startWorker(lab), startWorker(lab)])
    const { output, ended, events, readings } = await play('two', {
      args: ['--delay', '15', '--peers', '2', '--no-local'],
      connect: workers.flatMap(({ addresses }) => addresses[0] ?? []),
    })
    expect(ended).toMatchObject({ event: 'ended', frames: FRAMES, slates: 0, lost: 0, fallbacks: 0 })
    await expectOnAir(output)
    for (const { delaySeconds } of events.filter(({ state }) => state === 'on-air')) {
      expect(Math.abs(Number(delaySeconds) - 15)).toBeLessThan(2)
    }
    const makers = events.filter(({ event, state }) => event === 'piece' && state === 'verified')
    expect(new Set(makers.map(({ peer }) => peer))).toEqual(new Set(workers.map(({ peer }) => peer)))
    const last = readPlaylist(readings.at(-1) ?? '')
    expect([last.type, last.isEnded]).toEqual(['VOD', true])
    expect(new Set(last.segments.map(({ map }) => map)).size).toBe(1)
    expect(last.segments.reduce((sum, { seconds }) => sum + seconds, 0)).toBeCloseTo(SECONDS, 1)
  })

  test('goes on when a node dies in the middle of its piece', async () => {
    const [victim, other] = await Promise.all([startWorker(lab), startWorker(lab)])
    let isDead = false
    const { output, ended } = await play('death', {
      params: '-c:v libx264 -qp 0 -preset slow -threads 1',
      args: ['--delay', '17', '--peers', '2'],
      connect: [victim, other].flatMap(({ addresses }) => addresses[0] ?? []),
      onEvent({ event, state, peer, index }) {
        if (isDead || event !== 'piece' || state !== 'encoding' || peer !== victim.peer || Number(index) < 1)
          return
        isDead = true
        victim.process.signal('SIGKILL')
      },
    })
    expect(isDead).toBe(true)
    expect(ended).toMatchObject({ frames: FRAMES, slates: 0, lost: 0 })
    await expectOnAir(output)
  })

  test('that cannot be made in time is made up for, and the playlist goes on', async () => {
    const { ended, output } = await play('slates', {
      params:
        '-c:v libx264 -preset veryslow -x264-params me=tesa:merange=64:subme=11:ref=16 -vf scale=1280:720',
      args: ['--delay', '4', '--slots', '1'],
    })
    expect(Number(ended?.slates)).toBeGreaterThan(0)
    expect(ended).toMatchObject({ frames: FRAMES, lost: 0 })
    expect(readdirSync(output)).toContain('stream.m3u8')
  })
})

describe('a stream alone', () => {
  test('in MPEG-TS has the same pictures and the same sound', async () => {
    const { output, ended } = await play('ts', {
      args: ['--delay', '15'],
      streamParams: '-hls_time 2 -hls_playlist_type event -hls_segment_type mpegts',
    })
    expect(ended).toMatchObject({ frames: FRAMES, slates: 0, lost: 0 })
    await expectOnAir(output)
  })

  test('is read from an address, and looked for again when it breaks off', async () => {
    const bytes = await readFile(join(directory, 'live.ts'))
    let requests = 0
    // The first time it breaks off in the middle.
    const server = createServer((_, response) => {
      requests++
      response.end(requests === 1 ? bytes.subarray(0, bytes.length / 2) : bytes)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const output = join(directory, 'address')
    const stream = startCli(
      [
        ...[
          'stream',
          `http://127.0.0.1:${port}/live.ts`,
          '--input-params',
          '-re',
          '--reconnect',
          '--out',
          output,
          '--json',
        ],
        ...[
          '--delay',
          '6',
          '--params',
          '-c:v libx264 -preset ultrafast',
          '--stream-params',
          '-hls_time 2 -hls_playlist_type event',
        ],
        ...LOOPBACK,
      ],
      { env: { FFSWARM_HOME: await newHome(lab) } },
    )
    await stream.event(
      ({ event, reconnects, pieces }) => event === 'live' && Number(reconnects) === 1 && Number(pieces) >= 4,
    )
    stream.signal('SIGINT')
    expect((await stream.ended).exitCode).toBe(130)
    server.close()
    const text = readFileSync(join(output, 'stream.m3u8'), 'utf8')
    expectLivePlaylists([text])
    // It may have ended, and come back, once more.
    expect(readPlaylist(text).segments.at(-1)?.discontinuity).toBeGreaterThanOrEqual(1)
  })

  test('finds its delay where it is to', async () => {
    // A machine that is busy all of a sudden may need more than it has found.
    const { ended, events } = await play('auto', { args: ['--delay', 'auto'] })
    expect(ended).toMatchObject({ frames: FRAMES, lost: 0 })
    expect(events.find(({ event }) => event === 'stream')).toMatchObject({ delaySeconds: null })
    const found = events.filter(({ event }) => event === 'delay')
    // The film may be over before.
    expect(found.length).toBeLessThanOrEqual(1)
    for (const { delaySeconds } of found) expect(Number(delaySeconds)).toBeGreaterThan(2)
  })

  test('whose pictures change their size goes on behind a discontinuity', async () => {
    const parts = ['192x108', '128x72'].map((size, at) => ({
      size,
      path: join(directory, `part-${at}.ts`),
      at,
    }))
    for (const { size, path, at } of parts) {
      await ffmpeg(
        ...['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=4`, '-c:v', 'libx264', '-g', '50'],
        ...['-muxdelay', '0', '-output_ts_offset', `${10 + 4 * at}`, path],
      )
    }
    const all = await Promise.all(parts.map(({ path }) => readFile(path)))
    await writeFile(join(directory, 'changing.ts'), Buffer.concat(all))
    const { output, ended, readings } = await play('changing', {
      input: 'changing.ts',
      args: ['--delay', '15'],
    })
    expect(ended).toMatchObject({ frames: 200, slates: 0, lost: 0 })
    const { segments } = readPlaylist(readings.at(-1) ?? '')
    expect(segments.at(-1)?.discontinuity).toBe(1)
    const sizes = new Set<string>()
    for (const { uri, map = '' } of segments) {
      const part = join(directory, 'segment.mp4')
      await writeFile(
        part,
        Buffer.concat([await readFile(join(output, map)), await readFile(join(output, uri))]),
      )
      const { description } = await contents(part)
      sizes.add(`${description.streams[0]?.width}x${description.streams[0]?.height}`)
    }
    expect(sizes).toEqual(new Set(['192x108', '128x72']))
  })
})

describe('what is no stream', () => {
  test.each([
    [['missing.ts'], 'No such file'],
    [['live.ts', '--params', '-c:v libx264 -r 30'], '-r'],
    [['live.ts', '--params', '-c:v libx264 -vf fps=10'], '-vf'],
    [['live.ts', '--params', '-c:v nonesuch'], 'nonesuch'],
    [['live.ts', '--stream-params', '-hls_time ten'], '-hls_time'],
  ] as const)('%j is refused', async (words, expected) => {
    const [input = '', ...args] = words
    const { exitCode, stderr } = await runCli(
      ['stream', join(directory, input), '--out', join(directory, 'refused'), ...args, ...LOOPBACK],
      { env: { FFSWARM_HOME: await newHome(lab) } },
    )
    expect(exitCode).toBeGreaterThan(0)
    expect(stderr).toContain(expected)
  })
})
