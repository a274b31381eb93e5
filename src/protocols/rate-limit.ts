/** A peer that opens streams faster than any honest one loses its connection: each costs a negotiation and a conversation. */
import type { StreamHandler } from '@libp2p/interface'
import { RateLimiter } from '@libp2p/utils'

/** Of one protocol, from one peer: a coordinator offers work for all slots of a large machine at once. */
const STREAMS_PER_SECOND_MAX = 256

export function limitRate(handler: StreamHandler, streamsPerSecond = STREAMS_PER_SECOND_MAX): StreamHandler {
  const limiter = new RateLimiter({ points: streamsPerSecond, duration: 1 })
  return async (stream, connection) => {
    try {
      limiter.consume(connection.remotePeer.toString())
    } catch {
      connection.abort(new Error(`More than ${streamsPerSecond} streams a second for ${stream.protocol}`))
      return
    }
    await handler(stream, connection)
  }
}
