/**
 * `npm run bench:live`: a live film of 720p at 30 frames a second with params that one core cannot hold. First one node alone, which falls
 * behind; then two nodes of one core each, or three of which one is killed: nothing may be missing from the air. The first of them takes the film in as well.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { findTools } from '../scripts/support/media.mjs'
import { withLab } from '../scripts/support/swarm.mjs'
import { make720p } from './support/footage.mjs'
import { say, table } from './support/report.mjs'

const CLIP = { sceneSeconds: 5, noise: 5, keyframes: 60, rate: 30 }
const CLI = new URL('../dist/bin/ffswarm.js', import.meta.url).pathname

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    /** Of the run with one node alone: it need not be long to fall behind. */
    alone: { type: 'string', default: '60' },
    delay: { type: 'string', default: '30' },
    params: { type: 'string', default: '-c:v libx264 -preset medium -threads 1' },
    /** Kills one of three nodes so many seconds into the run. */
    kill: { type: 'string' },
  },
})

await withLab(async (lab) => {
  const tools = await findTools()
  const film = await make720p(lab, tools, { ...CLIP, seconds: Number(options.seconds) })
  const rows = [['one alone', ...(await live(lab, film, [], { seconds: options.alone }))]]
  const workers = [await lab.join('core-1', { prefix: ['taskset', '-c', '1'] })]
  if (options.kill !== undefined) workers.push(await lab.join('third', { prefix: ['taskset', '-c', '1'] }))
  const kill = options.kill === undefined ? undefined : workers.at(-1)
  rows.push([kill === undefined ? 'two' : 'three, one killed', ...(await live(lab, film, workers, { kill }))])
  say(`ffmpeg ${tools.version}, params: ${options.params}, delay ${options.delay} s\n`)
  say(table(['nodes', 'on air', 'black', 'lost', 'made twice', 'delay, least', 'most'], rows))
})

async function live(lab, film, workers, { seconds, kill }) {
  const input = seconds === undefined ? [] : ['--input-params', `-t ${seconds}`]
  const words = [
    ...[
      'stream',
      film,
      '--realtime',
      ...input,
      '--out',
      join(lab.directory, `hls-${workers.length}`),
      '--json',
    ],
    ...['--delay', options.delay, '--params', options.params, '--slots', '1', '--local'],
    ...['--stream-params', '-hls_time 4 -hls_playlist_type event', '--peers', `${workers.length}`],
    ...['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0'],
    ...workers.flatMap(({ address }) => ['--connect', address]),
  ]
  const child = spawn('taskset', ['-c', '0', process.execPath, CLI, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, FFSWARM_HOME: join(lab.directory, `live-${workers.length}`) },
  })
  if (kill !== undefined) setTimeout(() => kill.child.kill('SIGKILL'), Number(options.kill) * 1000)
  const delays = []
  let ended
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line)
    if (event.state === 'on-air') delays.push(event.delaySeconds)
    if (event.event === 'ended') ended = event
  })
  await once(child, 'exit')
  const { pieces, slates, lost, duplicates } = ended ?? {}
  return [
    `${pieces} pieces`,
    slates,
    lost,
    duplicates,
    Math.min(...delays).toFixed(2),
    Math.max(...delays).toFixed(2),
  ].map(String)
}
