/**
 * `npm run bench:bytes`: what a coordinator that encodes nothing itself sends for one film, by the number of its workers. All workers
 * together have the machine's cores, each its equal part (control groups): alike and steady, as machines of their own are. Linux, as root.
 */
import { stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findTools } from '../scripts/support/media.mjs'
import { withLab } from '../scripts/support/swarm.mjs'
import { keepFigures, today } from './support/figures.mjs'
import { make720p } from './support/footage.mjs'
import { makeGroup } from './support/group.mjs'
import { megabytes, say, seconds, table } from './support/report.mjs'

const TARGET = 1.1
const CLIP = { sceneSeconds: 6, rate: 24, noise: 4, keyframes: 60 }

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    workers: { type: 'string', default: '1,2,4,8' },
    /** Of the clip that is made. */
    seconds: { type: 'string', default: '180' },
    params: { type: 'string', default: '-c:v libx264 -preset veryfast -threads 1 -vf scale=640:-2' },
  },
})

await withLab(async (lab) => {
  const tools = await findTools()
  const source = positionals[0] ?? (await make720p(lab, tools, { ...CLIP, seconds: Number(options.seconds) }))
  const { size } = await stat(source)
  say(`ffmpeg ${tools.version}, source ${megabytes(size)}, params: ${options.params}\n`)
  const rows = []
  const figures = []
  for (const count of options.workers.split(',').map(Number)) {
    const part = availableParallelism() / count
    const groups = await Promise.all(
      Array.from({ length: count }, (_, at) =>
        makeGroup(`ffswarm-bytes-${process.pid}-${count}-${at}`, part),
      ),
    )
    const workers = []
    try {
      for (const [at, { prefix }] of groups.entries()) {
        workers.push(await lab.join(`worker-${count}-${at}`, { prefix, args: ['--slots', '1'] }))
      }
      let needless = 0
      const done = await lab.encode(
        [
          ...[source, '-o', join(lab.directory, 'output.mkv'), '-y', '--params', options.params],
          ...['--peers', `${count}`, '--no-local'],
        ],
        {
          connect: workers.map(({ address }) => address),
          onEvent({ event, state }) {
            if (event === 'segment' && state === 'needless') needless++
          },
        },
      )
      const ratio = done.bytesSent / size
      figures.push({ label: `${count} ${count === 1 ? 'worker' : 'workers'}`, value: ratio, target: TARGET })
      const segments = done.segments.length
      rows.push([`${count}`, ratio.toFixed(3), `${segments}`, `${needless}`, seconds(done.wallSeconds)])
    } finally {
      for (const { child } of workers) {
        child.kill('SIGKILL')
        await child.ended
      }
      for (const group of groups) await group.remove()
    }
  }
  say(table(['workers', 'sent, of the source', 'segments', 'encoded twice', 'time'], rows))
  say(`target: at most ${TARGET}`)
  await keepFigures('bytes', {
    title: `What the coordinator sends (${today()})`,
    ...{ unit: 'bytes sent, of the source’s size', isLeast: false, rows: figures },
  })
})
