/**
 * `npm run bench:key`: what a swarm's key costs: the time of a connection, of a refusal, and of the bytes, beside an open swarm. Two processes
 * pinned to a CPU each; all in turn. Linux.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { newKey } from '../dist/node/key/index.js'
import { median, say, table } from './support/report.mjs'

const { values: options } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '1000' },
    repetitions: { type: 'string', default: '5' },
    dials: { type: 'string', default: '20' },
  },
})
const sizeBytes = Number(options.megabytes) * 1024 * 1024
const PEER = fileURLToPath(new URL('wire/peer.mjs', import.meta.url))
const [ours, theirs] = [newKey(), newKey()]
const WAYS = { open: undefined, key: ours }

const speeds = { open: [], key: [] }
const dials = { open: [], key: [], other: [] }
for (let count = 0; count < Number(options.repetitions); count++) {
  for (const [way, key] of Object.entries(WAYS)) {
    const server = await serve(key)
    const { bytes, seconds } = await peer(key, 'pull', server.address, sizeBytes)
    speeds[way].push(bytes / 1e6 / seconds)
    dials[way].push(...(await dial(key, server, true)))
    if (key !== undefined) dials.other.push(...(await dial(theirs, server, false)))
    server.stop()
  }
}
const connect = (way) => `${median(dials[way]).toFixed(1)} ms`
say(
  table(
    ['', 'MB/s', 'a connection', 'a refusal'],
    [
      ['open', median(speeds.open).toFixed(0), connect('open'), ''],
      ['with a key', median(speeds.key).toFixed(0), connect('key'), connect('other')],
    ],
  ),
)
say(`\nspeed with a key: ${(median(speeds.key) / median(speeds.open)).toFixed(3)} of that without`)

async function dial(key, server, isIn) {
  const { times } = await peer(key, 'dial', server.address, sizeBytes, options.dials)
  if (times.some((time) => time.isIn !== isIn)) throw new Error(isIn ? 'it was not let in' : 'it was let in')
  return times.map(({ ms }) => ms)
}

async function serve(key) {
  const child = start(key, '0', 'serve', '/ip4/127.0.0.1/tcp/0', sizeBytes)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const { address } = JSON.parse((await lines.next()).value)
  return { address, stop: () => child.stdin.end() }
}

async function peer(key, ...words) {
  const child = start(key, '1', ...words)
  const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()
  return JSON.parse(value)
}

function start(key, cpu, ...words) {
  return spawn('taskset', ['-c', cpu, process.execPath, PEER, ...words.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...(key === undefined ? {} : { BENCH_KEY: key }) },
  })
}
