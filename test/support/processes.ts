/** Whole processes for tests: started, read from line by line, killed when the test is over. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach } from 'vitest'

const running = new Set<ChildProcess>()

afterEach(async () => {
  await Promise.all([...running].map(kill))
})

export interface TestProcess<T> {
  /** What it said first. */
  readonly hello: T
  /** The next line it says. */
  next(): Promise<string>
  /** Sends it an empty line and returns its next one. */
  ask(): Promise<string>
  /** SIGKILL. */
  kill(): Promise<void>
  /** Ends its standard input and waits for it to exit. */
  end(): Promise<number | null>
  signal(name: NodeJS.Signals): void
}

/** Runs a script, which says one line of JSON when it is ready. */
export async function startProcess<T>(
  script: URL,
  args: readonly (string | number)[],
): Promise<TestProcess<T>> {
  const path = fileURLToPath(script)
  const child = spawn(process.execPath, [path, ...args.map(String)], { stdio: ['pipe', 'pipe', 'inherit'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${path} ended with exit code ${child.exitCode} and signal ${child.signalCode}`)
    return value
  }
  return {
    hello: JSON.parse(await next()) as T,
    next,
    ask: async () => {
      child.stdin.write('\n')
      return await next()
    },
    kill: async () => await kill(child),
    end: async () => {
      const exit = once(child, 'exit')
      child.stdin.end()
      await exit
      return child.exitCode
    },
    signal: (name) => void child.kill(name),
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}
