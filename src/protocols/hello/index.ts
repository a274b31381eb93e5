/**
 * Two nodes tell each other who they are and what they can do, and find out whether they are in one swarm.
 *
 * @example
 *
 * ```ts
 * const node = await createLibp2p({ services: { hello: hello({ local: () => describeMyself() }) } })
 * node.services.hello.addEventListener('hello', ({ detail }) => log(detail.peer, detail.hello.name))
 * const theirs = await node.services.hello.exchange(connection)
 * ```
 */

import type { AbortOptions, Connection, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { ProtocolComponents } from '../streams.ts'
import { HelloService } from './hello.ts'
import type { Hello } from './messages.ts'

export interface HelloInit {
  /** What this node says of itself, asked anew for each exchange. */
  local(): Hello
  /** Told when the other side opened the exchange and is in the same swarm. */
  onHello?(peer: PeerId, hello: Hello): void
  /** Default 5 s. */
  timeoutMs?: number
}

/** An exchange that the other side opened. */
export interface HelloReceived {
  readonly peer: PeerId
  readonly connection: Connection
  readonly hello: Hello
}

export interface HelloEvents {
  hello: CustomEvent<HelloReceived>
}

export interface HelloProtocol extends TypedEventTarget<HelloEvents> {
  /**
   * Says hello and returns the other side's.
   *
   * @throws ProtocolError `SWARM_DIFFERS`, `UNSUPPORTED_PROTOCOL`, `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE`, `TIMEOUT`
   * or `DISCONNECTED`; the caller's abort reason
   */
  exchange(peer: PeerId | Connection, options?: AbortOptions): Promise<Hello>
}

export function hello(init: HelloInit): (components: ProtocolComponents) => HelloProtocol {
  return (components) => new HelloService(components, init)
}

export { HELLO_PROTOCOL } from './constants.ts'
export type { Hello } from './messages.ts'
