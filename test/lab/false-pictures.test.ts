/** Nodes that send other pictures than the source's, at the right times: they are caught, and what they sent is thrown away. */
import '../helpers/fast-tools.ts'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Event } from '../helpers/cli.ts'
import { tools } from '../helpers/ffmpeg.ts'
import { expectExact, LOSSLESS, makersOf, startEncode, startWorker, useLab } from '../helpers/swarm.ts'

const lab = useLab()

/** @param when as of the program */
function upsideDown(when = '') {
  return {
    FFSWARM_FFMPEG: fileURLToPath(new URL('../helpers/false-pictures.mjs', import.meta.url)),
    FFSWARM_FFPROBE: tools.ffprobe.path,
    REAL_FFMPEG: tools.ffmpeg.path,
    FALSE_WHEN: when,
  }
}

const isExcluded = ({ event, state }: Event) => event === 'peer' && state === 'excluded'
const ofPictures = ({ event, code }: Event) => event === 'segment' && code === 'SEGMENT_PICTURES'

test('are convicted by what another makes of the same segment, and nothing of theirs is left', async () => {
  const [liar, honest] = await Promise.all([startWorker(lab, { env: upsideDown() }), startWorker(lab)])
  const job = await startEncode(lab, {
    params: LOSSLESS,
    connect: [liar, honest],
    args: ['--peers', '2', '--no-local', '--segment-time', '1'],
  })
  await expectExact(lab, job)
  const { events } = job.process
  expect(events.filter(ofPictures)[0]).toMatchObject({ peer: liar.peer, state: 'failed' })
  expect(events.filter(isExcluded)).toMatchObject([{ peer: liar.peer }])
  const { segments } = await job.process.event(({ event }) => event === 'done')
  const makers = (segments as { peer: string }[]).map(({ peer }) => peer)
  expect(new Set(makers)).toEqual(new Set([honest.peer]))
})

test('are convicted by this node where nobody else is there', async () => {
  const liar = await startWorker(lab, { env: upsideDown() })
  const job = await startEncode(lab, {
    params: LOSSLESS,
    connect: [liar],
    args: ['--peers', '1', '--local', '--segment-time', '2', '--slots', '1'],
  })
  await expectExact(lab, job)
  expect(job.process.events.filter(isExcluded)).toMatchObject([{ peer: liar.peer }])
})

test('pictures that this node itself makes so are nobody’s fault', async () => {
  const worker = await startWorker(lab, { env: upsideDown() })
  const job = await startEncode(lab, {
    params: LOSSLESS,
    connect: [worker],
    env: upsideDown(),
    args: ['--peers', '1', '--local', '--segment-time', '2', '--slots', '1'],
  })
  const { exitCode, stderr } = await job.process.ended
  expect([exitCode, stderr]).toEqual([0, ''])
  expect(job.process.events.filter(isExcluded)).toEqual([])
  expect(makersOf(job)).toContain(worker.peer)
})
