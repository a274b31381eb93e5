/** The built program as its users start it: whole processes, their JSON lines, their ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach } from 'vitest'

export const CLI = fileURLToPath(new URL('../../dist/bin/ffswarm.js', import.meta.url))

/** On the loopback interface alone, and silent on every other. */
export const LOOPBACK = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']

export type Event = Readonly<Record<string, unknown>> & { readonly event: string }

export interface CliProcess {
  readonly pid: number
  /** All events so far. */
  readonly events: readonly Event[]
  /** The first event, of the past or to come, that fits. Rejects when the process ends without one. */
  event(fits: (event: Event) => boolean): Promise<Event>
  signal(name: NodeJS.Signals): void
  readonly ended: Promise<Ended>
}

export interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  env?: Readonly<Record<string, string | undefined>>
  cwd?: string
  /** Words before the command, such as `ip netns exec NAME`. */
  launcher?: readonly string[]
  /** It is for whoever starts it to end it: it serves several tests. */
  outlivesTest?: boolean
}

interface Running {
  readonly child: ChildProcess
  /** What it is and what it last said, for whoever reads of a test that failed. */
  describe(): string
}

const running = new Set<Running>()

afterEach(async ({ task }) => {
  const left = [...running]
  const words = task.result?.state === 'fail' ? left.map((process) => process.describe()) : []
  await Promise.all(left.map(kill))
  if (words.length > 0) throw new Error(`still running when the test failed: ${words.join('; ')}`)
})

/** Starts a command; it is killed with the test at the latest. */
export function startCli(args: readonly string[], options: CliOptions = {}): CliProcess {
  if (!existsSync(CLI)) throw new Error('dist/ is missing: npm run build')
  const [file = process.execPath, ...rest] = [...(options.launcher ?? []), process.execPath, CLI, ...args]
  const child = spawn(file, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
  })
  const events: Event[] = []
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const look of waiting) look()
  }
  let stdout = ''
  let stderr = ''
  let hasEnded = false
  const self = {
    child,
    describe: () =>
      `'${args.join(' ')}' (last event ${events.at(-1)?.event}, standard error ends ${JSON.stringify(stderr.slice(-300))}, ` +
      `its children ${childrenOf(child.pid).join(', ') || 'none'})`,
  }
  if (options.outlivesTest !== true) running.add(self)
  createInterface({ input: child.stdout }).on('line', (line) => {
    stdout += `${line}\n`
    if (line.startsWith('{')) events.push(JSON.parse(line) as Event)
    wake()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = once(child, 'close').then(([exitCode]: (number | null)[]): Ended => {
    running.delete(self)
    hasEnded = true
    wake()
    return { exitCode: exitCode ?? null, stdout, stderr }
  })
  return {
    pid: child.pid ?? -1,
    events,
    ended,
    event: (fits) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = events.find(fits)
          if (found === undefined && !hasEnded) return
          waiting.delete(look)
          if (found !== undefined) resolve(found)
          else reject(new Error(`the process ended first: ${stderr}`))
        }
        waiting.add(look)
        look()
      }),
    signal: (name) => void child.kill(name),
  }
}

/** Runs a command to its end. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<Ended> {
  return await startCli(args, options).ended
}

async function kill({ child }: Running): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

/** A TCP port that nothing listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Command lines of the machine's processes, by pid. Linux only. */
export function commandLines(): Map<number, string[]> {
  const lines = new Map<number, string[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      lines.set(Number(name), readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0'))
    } catch {
      // It has ended since.
    }
  }
  return lines
}

/** The pids of ffmpeg processes that have anything to do with a directory. */
export function ffmpegIn(directory: string): number[] {
  return [...commandLines()].flatMap(([pid, words]) =>
    words.some((word) => /(^|\/)ffmpeg$/.test(word)) && words.some((word) => word.includes(directory))
      ? [pid]
      : [],
  )
}

/** The programs that are a process's children, each with the end of its command line. Linux only. */
function childrenOf(pid: number | undefined): string[] {
  if (!existsSync('/proc/self')) return []
  return [...commandLines()].flatMap(([child, words]) =>
    parentOf(child) === pid ? [words.join(' ').trim().slice(-200)] : [],
  )
}

export function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined
  }
}
