/**
 * Starts nodes of this checkout's build on the loopback interface, for the demo and the benchmarks. Nothing here is
 * heard or seen beyond this machine: no multicast DNS, and 127.0.0.1 as the only address.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../../dist/bin/ffswarm.js', import.meta.url))
const LOOPBACK_ONLY = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']

/** A failure with one line for the person; anything else is shown with its stack. */
export class Failed extends Error {}

/**
 * A temporary directory and all processes started in it; `close` ends the ones and removes the other.
 *
 * @param {{ parent?: string }} [options] where to make it
 */
export async function openLab({ parent = tmpdir() } = {}) {
  await mkdir(parent, { recursive: true })
  const directory = await mkdtemp(join(parent, 'ffswarm-lab-'))
  const children = new Set()

  /** @param {string[]} words @param {{ home?: string, stdout?: 'pipe' | 'ignore' }} [options] */
  function start(words, { home, stdout = 'pipe' } = {}) {
    const [file, ...args] = words
    const env = home === undefined ? process.env : { ...process.env, FFSWARM_HOME: home }
    const child = spawn(file, args, { stdio: ['ignore', stdout, 'pipe'], env })
    children.add(child)
    child.tail = ''
    child.stderr.setEncoding('utf8').on('data', (text) => {
      child.tail = (child.tail + text).slice(-4_000)
    })
    child.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        child.tail += error.message
        resolve(undefined)
      })
      child.once('close', (code) => resolve(code))
    }).finally(() => children.delete(child))
    return child
  }

  /** A program's standard output, line by line, until it ends well. */
  async function run(words, { onLine, ...options } = {}) {
    const child = start(words, { ...options, stdout: onLine === undefined ? 'ignore' : 'pipe' })
    if (onLine !== undefined) createInterface({ input: child.stdout }).on('line', onLine)
    const code = await child.ended
    if (code !== 0)
      throw new Failed(`${words[0]} failed (${code ?? 'not started, or killed'}):\n${child.tail}`)
  }

  /**
   * A worker, ready: its address to connect to, and its process.
   *
   * @param {string} name
   * @param {{ connect?: string[], prefix?: string[], args?: string[] }} [options] `prefix`: words before the command, such as taskset's
   */
  async function join_(name, { connect = [], prefix = [], args = [] } = {}) {
    const command = [process.execPath, CLI, 'join', '--json', '--name', name, ...LOOPBACK_ONLY, ...args]
    const child = start([...prefix, ...command, ...dial(connect)], { home: join(directory, name) })
    const lines = createInterface({ input: child.stdout })
    const ready = once(lines, 'line').then(([line]) => JSON.parse(line))
    const ended = child.ended.then(() => {
      throw new Failed(`node ${name} did not start:\n${child.tail}`)
    })
    // A node that ends when it is told to is no failure.
    ended.catch(() => {})
    const { addresses, peer } = await Promise.race([ready, ended])
    return { name, address: addresses[0], peer, pid: child.pid, child }
  }

  /**
   * Encodes with a node of its own and hands on each event.
   *
   * @param {string[]} args of `ffswarm encode`
   * @param {{ connect: string[], prefix?: string[], onEvent?(event: object): void, onError?(text: string): void,
   *   onStart?(pid: number): void }} options `onError`: what it writes to standard error
   * @returns the `done` event
   */
  async function encode(args, { connect, prefix = [], onEvent = () => {}, onError, onStart = () => {} }) {
    const command = [process.execPath, CLI, 'encode', ...args, '--json', '--name', 'coordinator']
    const child = start([...prefix, ...command, ...LOOPBACK_ONLY, ...dial(connect)], {
      home: join(directory, 'coordinator'),
    })
    onStart(child.pid)
    if (onError !== undefined) child.stderr.on('data', onError)
    let last
    createInterface({ input: child.stdout }).on('line', (line) => {
      last = JSON.parse(line)
      onEvent(last)
    })
    const code = await child.ended
    if (code !== 0 || last?.event !== 'done') throw new Failed(`encode failed (${code}):\n${child.tail}`)
    return last
  }

  async function close() {
    const running = [...children]
    for (const child of running) child.kill('SIGTERM')
    const late = setTimeout(() => {
      for (const child of running) child.kill('SIGKILL')
    }, 5_000)
    await Promise.all(running.map(({ ended }) => ended))
    clearTimeout(late)
    await rm(directory, { recursive: true, force: true })
  }

  return { directory, run, join: join_, encode, close }
}

/**
 * Runs `main` with a lab that is closed whatever happens, and turns a failure into one message and exit code 1.
 *
 * @param {(lab: Awaited<ReturnType<typeof openLab>>) => Promise<void>} main
 * @param {Parameters<typeof openLab>[0]} [options]
 */
export async function withLab(main, options) {
  const lab = await openLab(options)
  const stop = (signal) => {
    void lab.close().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143))
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    await main(lab)
  } catch (error) {
    process.stderr.write(`\n${error instanceof Failed ? error.message.trim() : error.stack}\n`)
    process.exitCode = 1
  } finally {
    await lab.close()
  }
}

function dial(addresses) {
  return addresses.flatMap((address) => ['--connect', address])
}
