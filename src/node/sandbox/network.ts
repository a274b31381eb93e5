/**
 * A network namespace with nothing in it but a loopback interface, and a socket of this process that listens there: what is confined to
 * it reaches that socket and nothing else.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import type { Server } from 'node:net'
import { killChild } from '../../media/index.ts'

export interface LoopbackNamespace {
  /** Hands what connects to port {@link port} inside on to a server here: `http.Server.listen` takes it. */
  readonly listener: Server
  /** Words that run a command in there. */
  readonly words: readonly string[]
  close(): Promise<void>
}

/** Bubblewrap brings the interface up. With a /dev of its own it would make a second user namespace, which has no say over the network. */
const WORDS = ['--unshare-net', '--die-with-parent', '--dev-bind', '/', '/', '--']

/** Listens, passes the socket on, and ends with whoever asked for it. */
const LISTEN = `
const server = require('node:net').createServer()
server.listen(0, '127.0.0.1', () => process.send(process.pid, server))
process.on('disconnect', () => server.close())
`

/**
 * The namespace lasts as long as this process has its files open: nobody needs to live in it.
 *
 * @throws where namespaces or the programs for them are not to be had; the signal's reason
 */
export async function openLoopbackNamespace(
  { bwrap, nsenter, userNamespace }: { bwrap: string; nsenter: string; userNamespace: boolean },
  options: { signal: AbortSignal },
): Promise<LoopbackNamespace> {
  options.signal.throwIfAborted()
  const words = [...(userNamespace ? ['--unshare-user'] : []), ...WORDS, process.execPath, '-e', LISTEN]
  const inside = spawn(bwrap, words, {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    detached: true,
  })
  const kill = () => killChild(inside)
  const ending = AbortSignal.any([options.signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)])
  ending.addEventListener('abort', kill, { once: true })
  const files: FileHandle[] = []
  try {
    const [pid, listener] = await firstMessage(inside)
    for (const kind of userNamespace ? ['user', 'net'] : ['net']) {
      files.push(await open(`/proc/${pid}/ns/${kind}`))
    }
    const [userOrNet, net = userOrNet] = files.map(({ fd }) => `/proc/${process.pid}/fd/${fd}`)
    // It keeps nobody; whoever uses it does.
    listener.unref()
    return {
      listener,
      words: [
        nsenter,
        ...(userNamespace ? [`--user=${userOrNet}`, '--preserve-credentials'] : []),
        ...[`--net=${net}`, '--'],
      ],
      close: () => closeAll(files),
    }
  } catch (error) {
    await closeAll(files)
    options.signal.throwIfAborted()
    throw error
  } finally {
    ending.removeEventListener('abort', kill)
    if (inside.connected) inside.disconnect()
  }
}

/** Node's start is slow on a busy machine. */
const OPEN_TIMEOUT_MS = 20_000

async function firstMessage(inside: ChildProcess): Promise<[pid: number, listener: Server]> {
  const ended = Promise.race([once(inside, 'exit'), once(inside, 'error')]).then(([reason]): never => {
    throw reason instanceof Error ? reason : new Error(`no network namespace (exit code ${reason})`)
  })
  const [pid, listener] = await Promise.race([once(inside, 'message'), ended])
  // Whoever waits no more does not hear of its end.
  ended.catch(() => {})
  return [Number(pid), listener as Server]
}

async function closeAll(files: readonly FileHandle[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()))
}
