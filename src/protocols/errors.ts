/**
 * What can go wrong between two nodes, as data. The sentence a person reads is made from the data here and nowhere
 * else; whatever a peer wrote has been cut and cleaned before it gets in.
 */

export type ProtocolFailure =
  | { code: 'MESSAGE_TOO_LARGE'; detail: string }
  | { code: 'MESSAGE_INVALID'; detail: string }
  | { code: 'UNSUPPORTED_PROTOCOL'; detail: string }
  | { code: 'TIMEOUT'; phase: string; timeoutMs: number }
  /** The stream or the connection ended before the conversation did: worth another try. */
  | { code: 'DISCONNECTED'; detail: string }
  | { code: 'SWARM_DIFFERS'; ours: string; theirs: string }
  /** The worker does not take this task now; `reason` is its code. */
  | { code: 'REFUSED'; reason: string; detail: string }
  /** The worker tried and could not; `reason` is its code. */
  | { code: 'FAILED'; reason: string; detail: string }
  | { code: 'LEASE_EXPIRED'; leaseMs: number }
  | { code: 'UNKNOWN_BLOB'; blob: string }
  | { code: 'OUT_OF_RANGE'; offset: number; length: number; sizeBytes: number }
  /** The blob gave fewer bytes than its size promised. */
  | { code: 'TRUNCATED'; offset: number; length: number }
  | { code: 'BLOB_UNREADABLE'; offset: number; length: number }
  | { code: 'SIZE_DIFFERS'; expectedBytes: number; actualBytes: number }

export class ProtocolError extends Error {
  readonly failure: ProtocolFailure

  constructor(failure: ProtocolFailure, options?: ErrorOptions) {
    super(describe(failure), options)
    this.name = 'ProtocolError'
    this.failure = failure
  }

  get code(): ProtocolFailure['code'] {
    return this.failure.code
  }
}

/** A code of a failure, for programs: `ENCODER_MISSING`. */
export const FAILURE_CODE = /^[A-Z][A-Z0-9_]{0,63}$/

/** A sentence of a failure, for people. */
export const FAILURE_TEXT_LENGTH_MAX = 1024

/** Errors of libp2p that mean more than a lost stream, by name: their classes are not all exported. */
const FAILURE_OF_NAME: Record<string, 'MESSAGE_TOO_LARGE' | 'UNSUPPORTED_PROTOCOL'> = {
  InvalidDataLengthError: 'MESSAGE_TOO_LARGE',
  InvalidDataLengthLengthError: 'MESSAGE_TOO_LARGE',
  StreamBufferError: 'MESSAGE_TOO_LARGE',
  UnsupportedProtocolError: 'UNSUPPORTED_PROTOCOL',
}

/** Whatever a stream operation threw, as a ProtocolError: what is not known better was a lost stream. */
export function toProtocolError(err: unknown): ProtocolError {
  if (err instanceof ProtocolError) return err
  const cause = toError(err)
  return new ProtocolError(
    { code: FAILURE_OF_NAME[cause.name] ?? 'DISCONNECTED', detail: cause.message },
    { cause },
  )
}

/** Whether nobody listens at any of a peer's addresses: its program has ended. */
export function isConnectionRefused(err: unknown): boolean {
  if (err instanceof AggregateError) return err.errors.length > 0 && err.errors.every(isConnectionRefused)
  return err instanceof Error && 'code' in err && err.code === 'ECONNREFUSED'
}

/** p-event rejects with the event itself where it was told to reject on one, so not all that is thrown is an Error. */
export function toError(err: unknown): Error {
  if (err instanceof Error) return err
  if (err instanceof Event && 'error' in err && err.error instanceof Error) return err.error
  return new Error(err instanceof Event ? `the stream had a '${err.type}' event` : String(err))
}

/** Text of a peer made fit for a terminal and a log: no control or invisible characters, at most `maxLength` long. */
export function cleanText(text: string, maxLength: number): string {
  return (
    text
      .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')
      // Letters that are piled up run over the lines above.
      .replace(/(\p{M}{4})\p{M}+/gu, '$1')
      .slice(0, maxLength)
  )
}

/** What a callback of this node threw, as a peer is told: by code, and by a message without stack. */
export function tellFailure(failure: unknown): { code: string; message: string } {
  const code =
    typeof failure === 'object' && failure !== null && 'code' in failure ? String(failure.code) : ''
  const message =
    typeof failure === 'object' && failure !== null && 'message' in failure
      ? String(failure.message)
      : String(failure)
  return {
    code: FAILURE_CODE.test(code) ? code : 'INTERNAL',
    message: cleanText(message, FAILURE_TEXT_LENGTH_MAX),
  }
}

function describe(failure: ProtocolFailure): string {
  switch (failure.code) {
    case 'MESSAGE_TOO_LARGE':
      return `the peer sent a message larger than the protocol allows: ${failure.detail}`
    case 'MESSAGE_INVALID':
      return `the peer sent a message that is not valid: ${failure.detail}`
    case 'UNSUPPORTED_PROTOCOL':
      return `the peer does not speak this protocol (another version of ffswarm?): ${failure.detail}`
    case 'TIMEOUT':
      return `the peer did not ${failure.phase} within ${failure.timeoutMs} ms`
    case 'DISCONNECTED':
      return `the connection to the peer was lost: ${failure.detail}`
    case 'SWARM_DIFFERS':
      return `the peer is in swarm '${failure.theirs}', this node in '${failure.ours}': start both with the same swarm name`
    case 'REFUSED':
      return `the worker refused the task (${failure.reason}): ${failure.detail}`
    case 'FAILED':
      return `the worker failed (${failure.reason}): ${failure.detail}`
    case 'LEASE_EXPIRED':
      return `the worker has been silent for ${failure.leaseMs} ms`
    case 'UNKNOWN_BLOB':
      return `the peer has no blob ${failure.blob}`
    case 'OUT_OF_RANGE':
      return `bytes ${failure.offset} to ${failure.offset + failure.length} are outside the blob's ${failure.sizeBytes}`
    case 'TRUNCATED':
      return `the blob ended within the ${failure.length} bytes from ${failure.offset}`
    case 'BLOB_UNREADABLE':
      return `the peer could not read ${failure.length} bytes from ${failure.offset} of the blob`
    case 'SIZE_DIFFERS':
      return `the blob has ${failure.actualBytes} bytes instead of ${failure.expectedBytes}`
  }
}
