/**
 * `npm run bench:two-nodes`: what a second machine gains. Two nodes with one core each, against one plain ffmpeg on one
 * core, on the same clip, in the same run, in turn. Everything counts: start of the program, transfer, join, check.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findTools } from '../scripts/support/media.mjs'
import { Failed, withLab } from '../scripts/support/swarm.mjs'
import { keepFigures, today } from './support/figures.mjs'
import { make720p } from './support/footage.mjs'
import { median, megabytes, say, seconds, table } from './support/report.mjs'

const RATIO_TARGET = 0.62
const CLIP = { sceneSeconds: 5, noise: 5, keyframes: 250 }

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    repetitions: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '60' },
    params: { type: 'string', default: '-c:v libx264 -preset fast -threads 1' },
    json: { type: 'boolean', default: false },
  },
})

await withLab(async (lab) => {
  const repetitions = Number(options.repetitions)
  const tools = await findTools()
  const source = positionals[0] ?? (await make720p(lab, tools, { ...CLIP, seconds: Number(options.seconds) }))
  const { size } = await stat(source)
  const params = options.params.split(' ')
  say(
    `ffmpeg ${tools.version}, source ${positionals[0] ?? `made here, ${options.seconds} s`}, ${megabytes(size)}`,
  )
  say(`params: ${options.params}\n`)

  const worker = await lab.join('worker', { prefix: ['taskset', '-c', '1'] })
  const runs = []
  for (let count = 1; count <= repetitions; count++) {
    const plain = await timed(() =>
      lab.run([
        ...['taskset', '-c', '0', tools.ffmpeg.path, '-v', 'error', '-nostdin', '-y', '-i', source],
        ...['-map', '0', ...params, '-c:a', 'copy', join(lab.directory, 'plain.mp4')],
      ]),
    )
    const swarm = await timed(() =>
      lab.encode(
        [source, '-o', join(lab.directory, 'swarm.mp4'), '-y', '--params', options.params, '--peers', '1'],
        {
          connect: [worker.address],
          prefix: ['taskset', '-c', '0'],
        },
      ),
    )
    const done = swarm.value
    const worked = done.peers.filter(({ segments }) => segments > 0).length
    if (worked !== 2) throw new Failed(`${worked} node has worked instead of 2`)
    runs.push({ plain: plain.seconds, swarm: swarm.seconds, done })
    say(`run ${count}: plain ${seconds(plain.seconds)}, two nodes ${seconds(swarm.seconds)}`)
  }
  await report(runs, size)
})

async function report(runs, size) {
  const plain = median(runs.map((run) => run.plain))
  const swarm = median(runs.map((run) => run.swarm))
  const ratio = swarm / plain
  const rows = runs.map(({ plain: one, swarm: two, done }, place) => {
    // What the job does not see: the start of Node and of libp2p, and the end of the process.
    const outside = two - done.wallSeconds
    const phases = Object.values({ ...done.phases, outside }).map(seconds)
    const peers = done.peers.map(
      ({ name, frames, encodeSeconds }) => `${name} ${frames} frames in ${seconds(encodeSeconds)}`,
    )
    const bytes = `${megabytes(done.bytesSent)} / ${megabytes(done.bytesReceived)}`
    return [
      `${place + 1}`,
      seconds(one),
      seconds(two),
      (two / one).toFixed(3),
      ...phases,
      bytes,
      peers.join(', '),
    ]
  })
  const phases = [...Object.keys(runs[0].done.phases), 'start+end']
  say('')
  say(table(['run', 'plain', 'two nodes', 'ratio', ...phases, 'sent / received', 'encoding'], rows))
  say(`source ${megabytes(size)}; segments a run: ${runs.map(({ done }) => done.segments.length).join(', ')}`)
  say(`median plain ${seconds(plain)}, median two nodes ${seconds(swarm)}`)
  say(
    `ratio ${ratio.toFixed(3)} (target: at most ${RATIO_TARGET}: ${ratio <= RATIO_TARGET ? 'met' : 'missed'})`,
  )
  await keepFigures('two-nodes', {
    title: `${options.seconds} s of 720p, one core a node (${today()})`,
    ...{ unit: 'seconds', isLeast: false },
    rows: [
      { label: 'plain ffmpeg, one core', value: plain },
      { label: 'two nodes', value: swarm, target: RATIO_TARGET * plain },
    ],
  })
  if (options.json) say(JSON.stringify({ ratio, plain, swarm, runs }))
}

async function timed(act) {
  const began = performance.now()
  const value = await act()
  return { value, seconds: (performance.now() - began) / 1000 }
}
