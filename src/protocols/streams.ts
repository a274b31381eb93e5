/**
 * The parts of a libp2p node that a protocol uses, and the end of a stream: closed on success, aborted on failure,
 * nothing left half open.
 */

import type {
  AbortOptions,
  ComponentLogger,
  Connection,
  PeerId,
  Stream,
  StreamHandler,
  StreamHandlerOptions,
} from '@libp2p/interface'
import { toError } from './errors.ts'
import { limitRate } from './rate-limit.ts'

/** What libp2p hands to a service, as far as the protocols here need it. */
export interface ProtocolComponents {
  registrar: {
    handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void>
    unhandle(protocol: string, options?: AbortOptions): Promise<void>
  }
  connectionManager: {
    openStream(peer: PeerId, protocol: string, options?: AbortOptions): Promise<Stream>
  }
  logger: ComponentLogger
}

/** How long the other side may leave a stream half open that this side is done with. */
const LINGER_MS = 5_000

/** Answers what peers ask by a protocol. @param streamsMax at a time, on one connection, in each direction */
export async function handleStreams(
  { registrar }: Pick<ProtocolComponents, 'registrar'>,
  protocol: string,
  handler: StreamHandler,
  streamsMax: number,
): Promise<void> {
  const options = { maxInboundStreams: streamsMax, maxOutboundStreams: streamsMax }
  await registrar.handle(protocol, limitRate(handler), options)
}

/** Opens a stream on the given connection, or to the given peer on any of its connections (dialled where none is open). */
export async function openStream(
  { connectionManager }: Pick<ProtocolComponents, 'connectionManager'>,
  target: PeerId | Connection,
  protocol: string,
  options: AbortOptions,
): Promise<Stream> {
  return isConnection(target)
    ? await target.newStream(protocol, options)
    : await connectionManager.openStream(target, protocol, options)
}

/** Runs a conversation on the stream, closes the stream when it succeeds and aborts it when it fails. */
export async function converse<T>(
  stream: Stream,
  options: AbortOptions,
  conversation: (stream: Stream) => Promise<T>,
): Promise<T> {
  try {
    const result = await conversation(stream)
    await closeStream(stream, options)
    return result
  } catch (err) {
    stream.abort(toError(err))
    throw err
  }
}

/** Closes this side, and aborts what the other side has not closed within a few seconds. */
export async function closeStream(stream: Stream, options: AbortOptions): Promise<void> {
  await stream.close(options)
  if (stream.status !== 'open' && stream.status !== 'closing') return
  const linger = setTimeout(() => stream.abort(new Error('The remote did not close the stream')), LINGER_MS)
  linger.unref()
  stream.addEventListener('close', () => clearTimeout(linger), { once: true })
}

function isConnection(target: PeerId | Connection): target is Connection {
  return 'newStream' in target
}
