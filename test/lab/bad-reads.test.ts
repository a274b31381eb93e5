/** Nodes whose disks give back other bytes than were written, too few, none, or an error. */
import '../helpers/fast-tools.ts'
import { expect, test } from 'vitest'
import { BAD_READS, spoilReads, withBadLuck } from '../helpers/bad-luck.ts'
import {
  expectExact,
  LOSSLESS,
  makersOf,
  newHome,
  startEncode,
  startWorker,
  useLab,
} from '../helpers/swarm.ts'

const lab = useLab()

test('what is sent otherwise than it was encoded never reaches the film', async () => {
  const workers = await Promise.all(
    BAD_READS.map(async (how) => {
      const home = await newHome(lab)
      await spoilReads(home, how)
      return await startWorker(lab, { home, env: withBadLuck(home), name: how })
    }),
  )
  const job = await startEncode(lab, {
    params: LOSSLESS,
    connect: workers,
    args: ['--peers', `${workers.length}`, '--local', '--segment-time', '1'],
  })
  await expectExact(lab, job)
  const peers = workers.map(({ peer }) => peer)
  expect(makersOf(job).filter((peer) => peers.includes(peer))).toEqual([])
  const failed = job.process.events.filter(({ event, state }) => event === 'segment' && state === 'failed')
  const codes = peers.map(
    (peer) => new Set(failed.filter((one) => one.peer === peer).map(({ code }) => code)),
  )
  // One that stalls is not waited for.
  const wanted = { flipped: ['SHA256'], short: ['TRUNCATED'], failing: ['BLOB_UNREADABLE'], stalled: [] }
  expect(codes).toEqual(BAD_READS.map((how) => new Set(wanted[how])))
})
