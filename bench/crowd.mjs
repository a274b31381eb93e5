/**
 * `npm run bench:crowd`: a coordinator with sixty-four workers, each a process of its own: its resident memory, how late its event loop
 * is, and what each of its segments costs it. Linux; the coordinator is before the others at the CPU, so that its lateness is its own.
 */
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { clipArguments, findTools } from '../scripts/support/media.mjs'
import { withLab } from '../scripts/support/swarm.mjs'
import { megabytes, say, seconds, table } from './support/report.mjs'

const PEAK_TARGET_MB = 250
const LATE_TARGET_MS = 50
const SAMPLE_INTERVAL_MS = 200
/** So many start at once: each takes a second of a core. */
const STARTED_AT_ONCE = 4

const { values: options } = parseArgs({
  options: {
    workers: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '600' },
    params: { type: 'string', default: '-c:v libx264 -preset ultrafast -threads 1' },
  },
})

await withLab(async (lab) => {
  const tools = await findTools()
  const source = join(lab.directory, 'source.mkv')
  const shape = { seconds: Number(options.seconds), sceneSeconds: 5, width: 320, height: 180, noise: 5 }
  const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50']
  await lab.run([tools.ffmpeg.path, ...clipArguments(source, { ...shape, video })])
  const workers = []
  while (workers.length < Number(options.workers)) {
    const names = Array.from({ length: STARTED_AT_ONCE }, (_, at) => `worker-${workers.length + at}`)
    workers.push(...(await Promise.all(names.map((name) => lab.join(name, { args: ['--slots', '1'] })))))
  }
  say(`ffmpeg ${tools.version}, ${workers.length} workers, params: ${options.params}`)
  process.env.DEBUG = 'ffswarm:event-loop'
  const late = []
  let memory
  const began = performance.now()
  const args = [source, '-o', join(lab.directory, 'output.mkv'), '--params', options.params]
  const done = await lab.encode(
    [...args, '--segment-time', '2', '--peers', `${workers.length}`, '--no-local'],
    {
      connect: workers.map(({ address }) => address),
      onStart(pid) {
        spawnSync('renice', ['-n', '-10', '-p', `${pid}`])
        memory = watch(pid)
      },
      onError(text) {
        late.push(...[...text.matchAll(/late by (\d+) ms/g)].map(([, ms]) => Number(ms)))
      },
    },
  )
  const peak = memory.stop()
  const wall = (performance.now() - began) / 1000
  const latest = Math.max(0, ...late)
  say(
    `${done.frames} frames, ${done.segments.length} segments of ${done.peers.filter(({ segments }) => segments > 0).length} workers in ${seconds(wall)}`,
  )
  const rows = [
    ['peak RSS', megabytes(peak), `${PEAK_TARGET_MB} MB`, peak < PEAK_TARGET_MB * 1e6 ? 'met' : 'missed'],
    [
      'event loop, latest',
      `${latest} ms`,
      `${LATE_TARGET_MS} ms`,
      latest <= LATE_TARGET_MS ? 'met' : 'missed',
    ],
  ]
  say(table(['of the coordinator', 'measured', 'target', ''], rows))
  if (late.length > 0) say(`late: ${late.join(', ')} ms`)
})

function watch(pid) {
  let peak = 0
  const sample = async () => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    peak = Math.max(peak, 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0))
  }
  const timer = setInterval(sample, SAMPLE_INTERVAL_MS)
  return {
    stop() {
      clearInterval(timer)
      return peak
    },
  }
}
