/** Work begins with the beginning of a file whose index takes long to read. */
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { decodedFrames, ffmpeg, tools } from '../helpers/ffmpeg.ts'
import { type RunningJob, startEncode, useLab } from '../helpers/swarm.ts'

const lab = useLab()
const SLOW_INDEX = fileURLToPath(new URL('../helpers/slow-index.mjs', import.meta.url))
const FRAMES = 30 * 25

/** 30 s at 25 frames a second, or with an end that is timed otherwise. */
async function makeClip(name: string, times?: string): Promise<string> {
  const path = join(lab.directory, name)
  const retimed = [
    '-vf',
    `settb=1/12800,setpts=${times}`,
    '-fps_mode',
    'passthrough',
    '-enc_time_base',
    '1/12800',
  ]
  await ffmpeg(
    ...[
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=160x90:rate=25:duration=30',
      ...(times === undefined ? [] : retimed),
    ],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', path],
  )
  return path
}

async function encode(clip: string, extension: string): Promise<RunningJob> {
  await chmod(SLOW_INDEX, 0o755)
  const env = { FFSWARM_FFPROBE: SLOW_INDEX, REAL_FFPROBE: tools.ffprobe.path }
  const place = { directory: lab.directory, clip, newOutput: lab.newOutput }
  const job = await startEncode(place, {
    params: '-c:v libx264 -qp 0 -preset ultrafast',
    extension,
    args: ['--local'],
    env,
  })
  const { exitCode, stderr } = await job.process.ended
  expect(stderr).toBe('')
  expect(exitCode).toBe(0)
  return job
}

/** Pixels, and times to the microsecond. */
async function framesOf(path: string, ticksPerSecond: number): Promise<string[]> {
  return (await decodedFrames(path)).map((frame) => {
    const [time, md5] = frame.split(' ')
    return `${Math.round((Number(time) * 1e6) / ticksPerSecond)} ${md5}`
  })
}

function placesOf({ process: { events } }: RunningJob) {
  const jobs = events.flatMap(({ event }, at) => (event === 'job' ? [at] : []))
  const assigned = events.findIndex(({ event, state }) => event === 'segment' && state === 'assigned')
  return { jobs, assigned }
}

test('a job begins with what has been read, and has all frames in the end', async () => {
  const clip = await makeClip('even.mp4')
  const job = await encode(clip, 'mp4')
  const { jobs, assigned } = placesOf(job)
  const [first, second] = jobs.map((at) => job.process.events[at])
  expect(first).toMatchObject({ isEstimate: true })
  expect(first?.frames).toBeGreaterThan(0.95 * FRAMES)
  expect(first?.frames).toBeLessThan(1.05 * FRAMES)
  expect(second).toMatchObject({ frames: FRAMES, job: first?.job })
  expect(second).not.toHaveProperty('isEstimate')
  expect(assigned).toBeLessThan(jobs[1] ?? 0)
  expect(await framesOf(job.output, 12_800)).toEqual(await framesOf(clip, 12_800))
})

test('a film whose end is timed otherwise than its beginning is encoded again, and as exact', async () => {
  const clip = await makeClip('uneven.mkv', `'if(lt(N,700),N/25,28+(N-700)*0.0303)/TB'`)
  const job = await encode(clip, 'mkv')
  const warnings = job.process.events.filter(({ event }) => event === 'warning')
  expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining('encoded again')])
  expect(await framesOf(job.output, 1_000)).toEqual(await framesOf(clip, 1_000))
})
