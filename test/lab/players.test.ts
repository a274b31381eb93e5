/** Players other than FFmpeg, across the seams of an output, those between different encoder builds (`--mixed-builds`) among them. */
import { chmod } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { tools } from '../helpers/ffmpeg.ts'
import { CHROMIUM, MPV, placesIn, playedByBrowser, playedByMpv, smallPictures } from '../helpers/players.ts'
import { makersOf, startEncode, startWorker, useLab } from '../helpers/swarm.ts'

const lab = useLab()

const OTHER_BUILD = fileURLToPath(new URL('../helpers/other-build.mjs', import.meta.url))
const X264 = '-c:v libx264 -preset superfast -crf 12 -x264-params ref=1'
const X265 = '-c:v libx265 -preset ultrafast -crf 12 -x265-params ctu=32:log-level=none'
const FRAMES = 250
const RATE = 25

const everyPlace = Array.from({ length: FRAMES }, (_, place) => place)
const KINDS = [
  { params: X264, extension: 'mp4' },
  { params: X264, extension: 'mkv' },
  { params: X265, extension: 'mp4' },
  { params: X265, extension: 'mkv' },
] as const
const outputs = new Map<(typeof KINDS)[number], string>()
let film: Buffer[]

beforeAll(async () => {
  film = await smallPictures(lab.clip)
  expect(film).toHaveLength(FRAMES)
  await chmod(OTHER_BUILD, 0o755)
  const workers = await Promise.all([
    startWorker(lab),
    startWorker(lab, { env: { FFSWARM_FFMPEG: OTHER_BUILD, REAL_FFMPEG: tools.ffmpeg.path } }),
  ])
  const args = ['--peers', '2', '--no-local', '--segment-time', '1', '--mixed-builds']
  for (const kind of KINDS) {
    const job = await startEncode(lab, { ...kind, connect: workers, args })
    expect(await job.process.ended).toMatchObject({ exitCode: 0, stderr: '' })
    expect(makersOf(job)).toHaveLength(2)
    outputs.set(kind, job.output)
  }
})

describe.skipIf(CHROMIUM === undefined)(
  `a browser${CHROMIUM === undefined ? ' (skipped: none is here)' : ''} seeks to each frame and plays to the end`,
  () => {
    test('an mp4 of two builds, with avc3', async () => {
      await expectPlays(outputs.get(KINDS[0]) ?? '')
    })

    test('an mp4 of one build, with avc1', async () => {
      const job = await startEncode(lab, { params: X264, extension: 'mp4', args: ['--segment-time', '1'] })
      expect(await job.process.ended).toMatchObject({ exitCode: 0, stderr: '' })
      await expectPlays(job.output)
    })
  },
)

async function expectPlays(output: string): Promise<void> {
  const times = everyPlace.map((place) => (place + 0.5) / RATE)
  const { error, sought, shown, ended } = await playedByBrowser(output, times)
  expect(error).toBeNull()
  expect(placesIn(film, sought)).toEqual(everyPlace)
  expect(ended).toBe(true)
  // A player leaves frames out where it has no time for them, but shows none that is damaged, and never goes back.
  const places = placesIn(film, shown)
  expect(places.length).toBeGreaterThan(FRAMES / 10)
  expect(places).toEqual([...places].sort((a, b) => a - b))
  expect(places).not.toContain(-1)
}

describe.skipIf(MPV === undefined)(`mpv${MPV === undefined ? ' (skipped: it is not here)' : ''}`, () => {
  test.each(KINDS)('plays $extension of $params from the start and from a seek', async (kind) => {
    const output = outputs.get(kind) ?? ''
    expect(placesIn(film, await playedByMpv(output))).toEqual(everyPlace)
    expect(placesIn(film, await playedByMpv(output, 4.5))).toEqual(everyPlace.slice(113))
  })
})
