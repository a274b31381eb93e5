/**
 * `npm run bench:shares`: unequal machines on one. Each node, encoders included, may use a part of a core (cgroups); the parts of all
 * make up the machine's cores. Its own rate is that of a plain ffmpeg in the same cgroup while the others run too; the job must come near
 * what the sum of these rates can do. Linux, as root.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { findTools } from '../scripts/support/media.mjs'
import { withLab } from '../scripts/support/swarm.mjs'
import { keepFigures, today } from './support/figures.mjs'
import { make720p } from './support/footage.mjs'
import { makeGroup } from './support/group.mjs'
import { say, seconds, table } from './support/report.mjs'

const OVER_TARGET = 1.08
const SLOWED_TARGET = 1.1
const KILLED_TARGET = 1.15
// Scenes cost more or less: a rate measured over some seconds of film must be that of all of it.
const CLIP = { sceneSeconds: 1, rate: 24, noise: 5, keyframes: 60 }

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    parts: { type: 'string', default: '1,0.5,0.3,0.2' },
    /** Of the clip that is made. */
    seconds: { type: 'string', default: '180' },
    measure: { type: 'string', default: '40' },
    params: { type: 'string', default: '-c:v libx264 -preset fast -threads 1' },
    /** Slows the last node to a tenth, so many seconds into the job. */
    slow: { type: 'string' },
    /** Kills the last node, so many seconds into the job. */
    kill: { type: 'string' },
    /** A file for the job's events, each with its time. */
    log: { type: 'string' },
  },
})

await withLab(async (lab) => {
  const tools = await findTools()
  const parts = options.parts.split(',').map(Number)
  const source = positionals[0] ?? (await make720p(lab, tools, { ...CLIP, seconds: Number(options.seconds) }))
  const groups = await Promise.all(
    parts.map((part, at) => makeGroup(`ffswarm-bench-${process.pid}-${at}`, part)),
  )
  try {
    say(`ffmpeg ${tools.version}, params: ${options.params}, parts of a core: ${parts.join(' + ')}\n`)
    const rates = await Promise.all(groups.map((group) => measureRate(tools, source, group)))
    const [coordinator, ...others] = groups
    const workers = []
    for (const [at, group] of others.entries()) {
      workers.push(await lab.join(`worker-${at + 1}`, { prefix: group.prefix }))
    }
    const slowing =
      options.slow === undefined
        ? undefined
        : setTimeout(() => groups.at(-1).limit(parts.at(-1) / 10), options.slow * 1000)
    const killing =
      options.kill === undefined
        ? undefined
        : setTimeout(() => workers.at(-1).child.kill('SIGKILL'), options.kill * 1000)
    const before = await Promise.all(groups.map((group) => group.used()))
    const began = performance.now()
    const done = await lab.encode(
      [
        ...[source, '-o', join(lab.directory, 'output.mkv'), '--params', options.params],
        ...['--peers', `${workers.length}`, '--local', '--slots', '1'],
        ...(options.log === undefined ? [] : ['--log-file', options.log]),
      ],
      { connect: workers.map(({ address }) => address), prefix: coordinator.prefix },
    )
    clearTimeout(slowing)
    clearTimeout(killing)
    const wall = (performance.now() - began) / 1000
    const after = await Promise.all(groups.map((group) => group.used()))
    const rows = groups.map((_, at) => {
      const name = at === 0 ? 'this node' : `worker-${at}`
      const share = done.peers.find((peer) => peer.name === name)
      const used = `${(((after[at] - before[at]) / (parts[at] * wall)) * 100).toFixed(0)} %`
      const frames = share?.frames ?? 0
      const spent = `${(((after[at] - before[at]) * 1000) / Math.max(1, frames)).toFixed(1)} ms`
      return [name, `${parts[at]}`, rates[at].toFixed(2), `${frames}`, `${share?.segments ?? 0}`, used, spent]
    })
    say(
      table(
        ['node', 'cores', 'frames a second alone', 'frames', 'segments', 'of its CPU', 'CPU a frame'],
        rows,
      ),
    )
    const sum = rates.reduce((all, rate) => all + rate, 0)
    const bound = boundOf(done.frames, rates)
    say(
      `\n${done.frames} frames in ${seconds(wall)}; all rates together, ${sum.toFixed(1)} a second, need ${seconds(bound)}`,
    )
    say(
      `phases: ${Object.entries(done.phases)
        .map(([name, length]) => `${name} ${seconds(length)}`)
        .join(', ')}`,
    )
    const [target, name] = targetOf()
    const ratio = wall / bound
    say(`${ratio.toFixed(3)} of that (target: at most ${target}: ${ratio <= target ? 'met' : 'missed'})`)
    await keepFigures(`shares-${name.replace(/[^0-9a-z.]+/g, '-')}`, {
      title: `Machines that differ: parts of a core, ${name} (${today()})`,
      ...{ unit: 'seconds', isLeast: false },
      rows: [
        { label: 'one node with all of them, at best', value: bound },
        { label: 'the swarm', value: wall, target: bound * target },
        ...rates.map((rate, at) => ({ label: `${parts[at]} of a core alone`, value: done.frames / rate })),
      ],
    })
  } finally {
    // Only an empty group can be removed.
    await lab.close()
    for (const group of groups) await group.remove()
  }
})

function targetOf() {
  if (options.kill !== undefined) return [KILLED_TARGET, `${options.parts}, one killed`]
  if (options.slow !== undefined) return [SLOWED_TARGET, `${options.parts}, slowed`]
  return [OVER_TARGET, options.parts]
}

/** Seconds that all need together; with one that becomes slow or is killed, what it is worth from then on. */
function boundOf(frames, rates) {
  const sum = rates.reduce((all, rate) => all + rate, 0)
  const { slow, kill } = options
  const at = slow ?? kill
  if (at === undefined) return frames / sum
  const left = sum - (slow === undefined ? 1 : 0.9) * rates.at(-1)
  return Number(at) + (frames - sum * at) / left
}

/** Frames a second of a plain ffmpeg, while those of the others run. */
async function measureRate({ ffmpeg }, source, { prefix }) {
  const [file, ...words] = [
    ...[
      ...prefix,
      ffmpeg.path,
      '-v',
      'error',
      '-nostdin',
      '-y',
      '-stream_loop',
      '-1',
      '-i',
      source,
      '-map',
      '0:v:0',
    ],
    ...[...options.params.split(' '), '-progress', 'pipe:1', '-stats_period', '0.2', '-f', 'null', '-'],
  ]
  const child = spawn(file, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  let frames = 0
  createInterface({ input: child.stdout }).on('line', (line) => {
    frames = Number(/^frame=(\d+)/.exec(line)?.[1] ?? frames)
  })
  await new Promise((resolve) => setTimeout(resolve, 5_000))
  const [before, began] = [frames, performance.now()]
  await new Promise((resolve) => setTimeout(resolve, options.measure * 1000))
  const rate = ((frames - before) * 1000) / (performance.now() - began)
  child.kill('SIGKILL')
  return rate
}
