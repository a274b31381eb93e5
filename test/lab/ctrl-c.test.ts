/** Ctrl-C in a terminal goes to all processes of its foreground group: the node decides what becomes of its encoders. */
import { expect, test } from 'vitest'
import type { Event } from '../helpers/cli.ts'
import { SLOW_LOSSLESS, startEncode, startWorker, useLab } from '../helpers/swarm.ts'

const lab = useLab()

test.skipIf(process.platform !== 'linux')(
  'of a worker lets it finish what it has begun, hand it over and leave',
  async () => {
    // A session, and a group, of its own, as in a terminal.
    const worker = await startWorker(lab, { launcher: ['setsid'] })
    const job = await startEncode(lab, {
      params: SLOW_LOSSLESS,
      connect: [worker],
      args: ['--peers', '1', '--no-local', '--segment-time', '4'],
    })
    const of = (wanted: string) => (event: Event) =>
      event.event === 'segment' && event.peer === worker.peer && event.state === wanted
    const { index } = await job.process.event(of('encoding'))
    await worker.process.event(({ event, state }) => event === 'task' && state === 'started')
    process.kill(-worker.process.pid, 'SIGINT')
    expect((await worker.process.ended).exitCode).toBe(0)
    // A next one may have been offered to it meanwhile, and refused.
    const lost = job.process.events.filter(of('failed')).filter((event) => event.index === index)
    expect(lost).toEqual([])
    // What it told last may still be on its way to us.
    await job.process.event((event) => of('verified')(event) && event.index === index)
  },
)
