/** A live stream in a browser, while a node dies. */
import '../helpers/fast-tools.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LOOPBACK, startCli } from '../helpers/cli.ts'
import { ffmpeg } from '../helpers/ffmpeg.ts'
import { CHROMIUM, watchedByBrowser } from '../helpers/players.ts'
import { newHome, startWorker, useLab } from '../helpers/swarm.ts'

const lab = useLab()
/** Two minutes where somebody has the time. */
const SECONDS = Number(process.env.STREAM_SECONDS ?? 20)
let directory = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ffswarm-browser-'))
  if (CHROMIUM === undefined) return
  await ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=size=320x180:rate=30:duration=${SECONDS + 40}`, '-f', 'lavfi'],
    ...[
      '-i',
      `sine=sample_rate=48000:duration=${SECONDS + 40}`,
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-g',
      '60',
    ],
    ...['-c:a', 'aac', join(directory, 'live.ts')],
  )
})
afterAll(async () => await rm(directory, { recursive: true, force: true }))

describe.skipIf(CHROMIUM === undefined)(
  `a browser${CHROMIUM === undefined ? ' (skipped: none is here)' : ''}`,
  () => {
    test('plays the stream in step with the clock, across the death of a node', {
      timeout: 300_000,
    }, async () => {
      const [victim, other] = await Promise.all([startWorker(lab), startWorker(lab)])
      const stream = startCli(
        [
          ...['stream', join(directory, 'live.ts'), '--realtime', '--out', join(directory, 'hls'), '--json'],
          ...[
            '--delay',
            '12',
            '--params',
            '-c:v libx264 -preset superfast',
            '--peers',
            '2',
            '--serve',
            '127.0.0.1:0',
          ],
          ...['--stream-params', '-hls_time 2 -hls_list_size 10 -hls_flags delete_segments', ...LOOPBACK],
          ...[victim, other].flatMap(({ addresses }) => ['--connect', addresses[0] ?? '']),
        ],
        { env: { FFSWARM_HOME: await newHome(lab) } },
      )
      const { url } = await stream.event(({ event }) => event === 'serving')
      await stream.event(({ state, index }) => state === 'on-air' && Number(index) >= 3)
      const watching = watchedByBrowser(String(url), SECONDS)
      setTimeout(() => victim.process.signal('SIGKILL'), (SECONDS * 1000) / 3)
      const { fatal, samples } = await watching
      stream.signal('SIGINT')
      await stream.ended
      expect(fatal).toEqual([])
      expect(samples.length).toBeGreaterThan(SECONDS)
      // Once it plays it is never behind the clock by more than a second.
      const behind = samples.map(([wall, film]) => wall - film)
      expect(Math.max(...behind) - Math.min(...behind)).toBeLessThan(1)
      expect(stream.events.filter(({ state }) => state === 'slate' || state === 'lost')).toEqual([])
    })
  },
)
