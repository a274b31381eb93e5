/**
 * `npm run bench:wire`: what it costs to pull ranges of a file from another node, beside one stream of the same transport (Noise and
 * Yamux over TCP) poured as fast as it takes. Two processes, pinned to a CPU each; then with slow readers; then over a shaped gigabit
 * Ethernet between two network namespaces, where that can be had. Linux.
 */
import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { keepFigures, today } from './support/figures.mjs'
import { median, megabytes, say, table } from './support/report.mjs'

const SPEED_TARGET = 0.9
const CPU_TARGET = 1.15
/** What a gigabit link carries of TCP's payload in frames of 1500 bytes. */
const GIGABIT_MB = 117.6
const LINK_TARGET = 0.95

const { values: options } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '1500' },
    repetitions: { type: 'string', default: '3' },
    readers: { type: 'string', default: '32' },
  },
})
const sizeBytes = Number(options.megabytes) * 1024 * 1024
const PEER = fileURLToPath(new URL('wire/peer.mjs', import.meta.url))
const run = promisify(execFile)

await comparePinned()
await slowReaders()
await gigabit()

async function comparePinned() {
  const server = await startServer(['taskset', '-c', '0'], '/ip4/127.0.0.1/tcp/0', sizeBytes)
  const figures = { pull: [], raw: [] }
  for (let repetition = 0; repetition < Number(options.repetitions); repetition++) {
    for (const way of ['raw', 'pull']) figures[way].push(await measure(way, ['taskset', '-c', '1'], server))
  }
  server.stop()
  const row = (way) => {
    const speed = median(figures[way].map(({ speed }) => speed))
    return [way, speed.toFixed(0), median(figures[way].map(({ cpu }) => cpu)).toFixed(2)]
  }
  say(table(['', 'MB/s', 'CPU seconds a GB, both ends'], [row('raw'), row('pull')]))
  const of = (key) =>
    median(figures.pull.map((pull) => pull[key])) / median(figures.raw.map((raw) => raw[key]))
  const wire = median(figures.raw.map(({ speed }) => speed))
  await keepFigures('wire', {
    title: `Bytes from node to node on one machine (${today()})`,
    ...{ unit: 'MB/s', isLeast: true },
    rows: [
      { label: 'one stream, poured', value: wire },
      { label: 'ranges, pulled', value: of('speed') * wire, target: SPEED_TARGET * wire },
    ],
  })
  say(`\nspeed ${verdict(of('speed'), SPEED_TARGET, true)}, CPU ${verdict(of('cpu'), CPU_TARGET, false)}`)
}

/** Each takes a megabyte every tenth of a second: what they have asked for must not pile up in the server. */
async function slowReaders() {
  const few = 40 * 1024 * 1024
  const server = await startServer([], '/ip4/127.0.0.1/tcp/0', few)
  const before = await server.ask()
  await peer([], 'slow', server.address, few, options.readers)
  const { maxRssBytes } = await server.ask()
  server.stop()
  say(
    `\n${options.readers} slow readers: the server grew by ${megabytes(maxRssBytes - before.maxRssBytes)} to ${megabytes(maxRssBytes)}`,
  )
}

async function gigabit() {
  const names = ['a', 'b'].map((end) => `ffswarm-wire-${process.pid}-${end}`)
  try {
    const [a, b] = names
    for (const name of names) await run('ip', ['netns', 'add', name])
    const pair = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', b]
    await run('ip', ['-n', a, 'link', 'add', 'eth0', ...pair])
    for (const [at, name] of names.entries()) {
      await run('ip', ['-n', name, 'address', 'add', `10.78.0.${at + 1}/24`, 'dev', 'eth0'])
      await run('ip', ['-n', name, 'link', 'set', 'eth0', 'up'])
      const shape = ['root', 'tbf', 'rate', '1gbit', 'burst', '256k', 'latency', '5ms']
      await run('ip', ['netns', 'exec', name, 'tc', 'qdisc', 'add', 'dev', 'eth0', ...shape])
    }
    const on = (name, cpu) => ['ip', 'netns', 'exec', name, 'taskset', '-c', cpu]
    const server = await startServer(on(a, '0'), '/ip4/10.78.0.1/tcp/0', sizeBytes)
    const { speed } = await measure('pull', on(b, '1'), server)
    server.stop()
    say(
      `\ngigabit Ethernet: ${speed.toFixed(1)} of ${GIGABIT_MB} MB/s, ${verdict(speed / GIGABIT_MB, LINK_TARGET, true)}`,
    )
  } catch (error) {
    say(`\ngigabit Ethernet: skipped, ${String(error).split('\n')[0]}`)
  } finally {
    for (const name of names) await run('ip', ['netns', 'delete', name]).catch(() => {})
  }
}

async function measure(way, launcher, server) {
  await server.ask()
  const { bytes, seconds, cpuSeconds } = await peer(launcher, way, server.address, sizeBytes)
  if (bytes !== sizeBytes) throw new Error(`${bytes} bytes came instead of ${sizeBytes}`)
  const there = await server.ask()
  return { speed: bytes / 1e6 / seconds, cpu: (cpuSeconds + there.cpuSeconds) / (bytes / 1e9) }
}

async function startServer(launcher, address, size) {
  const child = start(launcher, 'serve', address, size)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => JSON.parse((await lines.next()).value)
  const { address: listening } = await next()
  return {
    address: listening,
    /** Its CPU time since it was asked last, and its memory. */
    async ask() {
      child.stdin.write('\n')
      return await next()
    },
    stop: () => child.stdin.end(),
  }
}

async function peer(launcher, ...args) {
  const child = start(launcher, ...args)
  let text = ''
  for await (const piece of child.stdout.setEncoding('utf8')) text += piece
  return JSON.parse(text)
}

function start(launcher, ...args) {
  const [file, ...words] = [...launcher, process.execPath, PEER, ...args.map(String)]
  return spawn(file, words, { stdio: ['pipe', 'pipe', 'inherit'] })
}

function verdict(ratio, target, isLeast) {
  const isMet = isLeast ? ratio >= target : ratio <= target
  return `${ratio.toFixed(3)} (target: at ${isLeast ? 'least' : 'most'} ${target}: ${isMet ? 'met' : 'missed'})`
}
