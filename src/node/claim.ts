/**
 * An exclusive claim on a name among the processes of one machine, which ends with its process however that ends.
 *
 * Node has no `flock`, and a lock file or a pid outlives a killed process, or comes to mean another one. So a claim
 * is a unix socket that its process listens on: only the living answer. Each contender first shows a socket of its
 * own in the directory of the claim, then asks all others there. Of two contenders, whichever shows itself second
 * finds the first: never do two hold. A socket is shown by renaming it when it listens already, so one that does not
 * answer is dead for good and can be removed. On Windows the name of a pipe is exclusive by itself.
 */

import '../polyfill.ts'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, unlink } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isErrno } from './errno.ts'

export interface Claim {
  release(): Promise<void>
}

type Standing = 'holder' | 'contender' | 'dead'

/** How long to wait before asking a contender again that must give way. */
const YIELD_MS = 5

/** A process that accepts but does not answer is stopped or overloaded, and alive. */
const ANSWER_TIMEOUT_MS = 2_000

/** macOS takes paths of sockets up to 103 bytes, Linux up to 107. */
const SOCKET_PATH_BYTES_MAX = 103

/** Room for `/.<name of a contender>`. */
const SOCKET_NAME_BYTES = '/.0123456789ab'.length

/** The answer to whoever connects. */
const ANSWERS = { holder: 'H', contender: 'C' } as const

/**
 * Claims the directory, which is created where it is missing; undefined where another process holds it, or is about to.
 *
 * @throws whatever the file system does, such as ENOTSUP where it has no sockets
 */
export async function claim(directory: string, options: { signal: AbortSignal }): Promise<Claim | undefined> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const others = await ask(directory, undefined)
  if (others.some(({ standing }) => standing === 'holder')) return undefined
  const contender = await Contender.show(directory)
  try {
    if (await contender.contend(options.signal)) return contender
  } catch (err) {
    await contender.release()
    throw err
  }
  await contender.release()
  return undefined
}

/**
 * Claims a name that has a meaning in a directory; undefined where another process holds it.
 *
 * @throws whatever the file system does
 */
export async function claimName(
  directory: string,
  name: string,
  options: { signal: AbortSignal },
): Promise<Claim | undefined> {
  const digest = createHash('sha256').update(directory).digest('hex').slice(0, 16)
  if (process.platform === 'win32') return await claimPipe(`\\\\.\\pipe\\ffswarm-${digest}-${name}`)
  const inside = join(directory, 'claims', name)
  if (Buffer.byteLength(inside) + SOCKET_NAME_BYTES <= SOCKET_PATH_BYTES_MAX) {
    try {
      return await claim(inside, options)
    } catch (err) {
      // Some network and foreign file systems hold no sockets.
      if (!isErrno(err, 'ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EINVAL')) throw err
    }
  }
  return await claim(join(tmpdir(), `ffswarm-${process.getuid?.()}-${digest}`, name), options)
}

/** Claims a named pipe; undefined where another process holds it. */
export async function claimPipe(path: string): Promise<Claim | undefined> {
  try {
    const server = await listen(path, () => ANSWERS.holder)
    return { release: async () => await close(server) }
  } catch (err) {
    if (isErrno(err, 'EADDRINUSE')) return undefined
    throw err
  }
}

class Contender implements Claim {
  readonly #directory: string
  readonly #name: string
  readonly #server: Server
  readonly #state: { standing: keyof typeof ANSWERS }

  static async show(directory: string): Promise<Contender> {
    const name = randomBytes(6).toString('hex')
    const hidden = join(directory, `.${name}`)
    const state: { standing: keyof typeof ANSWERS } = { standing: 'contender' }
    const server = await listen(hidden, () => ANSWERS[state.standing])
    try {
      await rename(hidden, join(directory, name))
    } catch (err) {
      await close(server)
      throw err
    }
    return new Contender(directory, name, server, state)
  }

  private constructor(
    directory: string,
    name: string,
    server: Server,
    state: { standing: keyof typeof ANSWERS },
  ) {
    this.#directory = directory
    this.#name = name
    this.#server = server
    this.#state = state
  }

  /** True once this is the holder, false where it has to give way: to a holder, or to a contender of a smaller name. */
  async contend(signal: AbortSignal): Promise<boolean> {
    for (;;) {
      signal.throwIfAborted()
      const others = await ask(this.#directory, this.#name)
      const living = others.filter(({ standing }) => standing !== 'dead')
      if (living.length === 0) {
        this.#state.standing = 'holder'
        await removeDead(this.#directory, others)
        return true
      }
      if (living.some(({ name, standing }) => standing === 'holder' || name < this.#name)) return false
      await sleep(YIELD_MS, undefined, { signal })
    }
  }

  async release(): Promise<void> {
    await unlink(join(this.#directory, this.#name)).catch(() => {})
    await close(this.#server)
  }
}

interface Other {
  name: string
  standing: Standing
}

async function ask(directory: string, ownName: string | undefined): Promise<Other[]> {
  const names = (await readdir(directory)).filter((name) => name !== ownName && /^[0-9a-f]{12}$/.test(name))
  return await Promise.all(
    names.map(async (name) => ({ name, standing: await standingOf(join(directory, name)) })),
  )
}

/** Those that died before they were shown keep their hidden name, which does no harm and is tiny. */
async function removeDead(directory: string, others: Other[]): Promise<void> {
  await Promise.all(others.map(async ({ name }) => await unlink(join(directory, name)).catch(() => {})))
}

async function standingOf(path: string): Promise<Standing> {
  const { promise, resolve } = Promise.withResolvers<Standing>()
  const socket = connect(path)
  const timer = setTimeout(() => resolve('holder'), ANSWER_TIMEOUT_MS)
  socket.once('data', (bytes) => resolve(bytes.toString() === ANSWERS.contender ? 'contender' : 'holder'))
  // Whoever closes without an answer, or resets, is about to go: to be asked again.
  socket.once('close', () => resolve('contender'))
  socket.once('error', (err) => {
    if (isErrno(err, 'ECONNREFUSED', 'ENOENT')) resolve('dead')
    else if (isErrno(err, 'ECONNRESET', 'EPIPE')) resolve('contender')
    // Anything else, such as a full backlog or a missing permission, is a sign of life.
    else resolve('holder')
  })
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

async function listen(path: string, answer: () => string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.end(answer())
  })
  // A claim is no reason for a process to stay.
  server.unref()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(path, resolve)
  await promise
  return server
}

async function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  await promise
}
