/** Both ends of the hello protocol: each side sends one message and reads one. */

import {
  type AbortOptions,
  type Connection,
  type PeerId,
  type Startable,
  type Stream,
  TypedEventEmitter,
} from '@libp2p/interface'
import { withDeadline } from '../deadline.ts'
import { ProtocolError } from '../errors.ts'
import { messageStream, readMessage, writeMessage } from '../messages.ts'
import { converse, handleStreams, openStream, type ProtocolComponents } from '../streams.ts'
import { HELLO_BYTES_MAX, HELLO_PROTOCOL, HELLO_STREAMS_MAX, HELLO_TIMEOUT_MS } from './constants.ts'
import type { HelloEvents, HelloInit, HelloProtocol, HelloReceived } from './index.ts'
import { type Hello, helloMessage } from './messages.ts'

export class HelloService extends TypedEventEmitter<HelloEvents> implements HelloProtocol, Startable {
  readonly [Symbol.toStringTag] = '@ffswarm/hello'
  readonly #components: ProtocolComponents
  readonly #init: HelloInit
  readonly #timeoutMs: number

  constructor(components: ProtocolComponents, init: HelloInit) {
    super()
    this.#components = components
    this.#init = init
    this.#timeoutMs = init.timeoutMs ?? HELLO_TIMEOUT_MS
  }

  async start(): Promise<void> {
    await handleStreams(this.#components, HELLO_PROTOCOL, this.#onStream, HELLO_STREAMS_MAX)
  }

  async stop(): Promise<void> {
    await this.#components.registrar.unhandle(HELLO_PROTOCOL)
  }

  async exchange(peer: PeerId | Connection, options: AbortOptions = {}): Promise<Hello> {
    const ours = this.#init.local()
    const theirs = await withDeadline('say hello', this.#timeoutMs, options, async (signal) => {
      const stream = await openStream(this.#components, peer, HELLO_PROTOCOL, { signal })
      return await converse(stream, { signal }, async () => await greet(stream, ours, { signal }))
    })
    return sameSwarm(ours, theirs)
  }

  readonly #onStream = async (stream: Stream, connection: Connection): Promise<void> => {
    const ours = this.#init.local()
    const theirs = await withDeadline('say hello', this.#timeoutMs, {}, async (signal) => {
      return await converse(stream, { signal }, async () => await greet(stream, ours, { signal }))
    })
    const received: HelloReceived = {
      peer: connection.remotePeer,
      connection,
      hello: sameSwarm(ours, theirs),
    }
    this.#init.onHello?.(received.peer, received.hello)
    this.safeDispatchEvent('hello', { detail: received })
  }
}

async function greet(stream: Stream, ours: Hello, options: AbortOptions): Promise<Hello> {
  const messages = messageStream(stream, HELLO_BYTES_MAX)
  await writeMessage(messages, helloMessage, ours, options)
  return await readMessage(messages, helloMessage, options)
}

/** Judged only after both have spoken, so that both sides learn why they are not in one swarm. */
function sameSwarm(ours: Hello, theirs: Hello): Hello {
  if (theirs.swarm !== ours.swarm) {
    throw new ProtocolError({ code: 'SWARM_DIFFERS', ours: ours.swarm, theirs: theirs.swarm })
  }
  return theirs
}
