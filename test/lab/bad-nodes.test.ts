/** Nodes whose encoders fail: they cost no more than their own attempts. */
import '../helpers/fast-tools.ts'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type Event, LOOPBACK, startCli } from '../helpers/cli.ts'
import { tools } from '../helpers/ffmpeg.ts'
import { expectExact, LOSSLESS, makersOf, startEncode, startWorker, useLab } from '../helpers/swarm.ts'

const lab = useLab()

/** @param meant a word of the segments that fail; empty: all of them */
function broken(meant: string) {
  return {
    FFSWARM_FFMPEG: fileURLToPath(new URL('../helpers/broken-segment.mjs', import.meta.url)),
    FFSWARM_FFPROBE: tools.ffprobe.path,
    REAL_FFMPEG: tools.ffmpeg.path,
    BROKEN_SEGMENT: meant,
  }
}

const isFailed = ({ event, state }: Event) => event === 'segment' && state === 'failed'

test('what one node cannot encode another does, and the node is given a rest', async () => {
  const [bad, good] = await Promise.all([startWorker(lab, { env: broken('') }), startWorker(lab)])
  const job = await startEncode(lab, {
    params: LOSSLESS,
    connect: [bad, good],
    args: ['--peers', '2', '--no-local', '--segment-time', '1'],
  })
  await expectExact(lab, job)
  expect(makersOf(job)).toEqual([good.peer])
  const failed = job.process.events.filter(isFailed)
  expect(failed.length).toBeGreaterThan(0)
  expect(failed.length).toBeLessThanOrEqual(3)
  expect(failed[0]).toMatchObject({ peer: bad.peer, detail: expect.stringContaining('out of order') })
})

test('what all others fail at the coordinator encodes, though it is to leave the work to them', async () => {
  // Times of the third second.
  const bad = await startWorker(lab, { env: broken('start_pts=25600:') })
  const job = await startEncode(lab, {
    params: LOSSLESS,
    connect: [bad],
    args: ['--peers', '1', '--no-local', '--segment-time', '2', '--no-exactly'],
  })
  await expectExact(lab, job)
  const ofOwn = job.process.events.filter(
    ({ event, state, peer }) => event === 'segment' && state === 'verified' && peer !== bad.peer,
  )
  expect(ofOwn).toMatchObject([{ startPts: 25600 }])
})

test('what nobody can encode is told in ffmpeg’s words when the rest is done, and is all that is left to do', async () => {
  const job = await startEncode(lab, {
    params: LOSSLESS,
    args: ['--segment-time', '2', '--no-exactly', '--slots', '1'],
    env: broken('start_pts=25600:'),
  })
  const { exitCode, stderr } = await job.process.ended
  expect(exitCode).toBe(4)
  expect(stderr).toContain('the encoder is out of order')
  expect(stderr).toContain('4 segments are kept')
  const again = startCli(['resume', '--json', ...LOOPBACK], { env: { FFSWARM_HOME: job.home } })
  await expectExact(lab, { ...job, process: again })
  const encoded = again.events.filter(({ event, state }) => event === 'segment' && state === 'verified')
  expect(encoded).toMatchObject([{ startPts: 25600 }])
})

test('params that nobody can encode end the job at once', async () => {
  const job = await startEncode(lab, { params: LOSSLESS, args: ['--slots', '1'], env: broken('') })
  const { exitCode, stderr } = await job.process.ended
  expect(exitCode).toBe(1)
  expect(stderr).toContain('the encoder is out of order')
  expect(job.process.events.filter(isFailed).length).toBeLessThanOrEqual(8)
})
