/**
 * Length-prefixed UTF-8 JSON over a libp2p stream. Every message has a bound that holds before it is read and a
 * schema that holds before it is used, in both directions.
 */

import '../polyfill.ts'
import type { AbortOptions, Stream } from '@libp2p/interface'
import { type LengthPrefixedStream, lpStream } from '@libp2p/utils'
import { z } from 'zod'
import { cleanText, FAILURE_CODE, FAILURE_TEXT_LENGTH_MAX, ProtocolError } from './errors.ts'

export type MessageStream = LengthPrefixedStream<Stream>

/** A 64-bit integer: a decimal string in JSON, whose numbers are exact only to 2^53. */
export const int64 = z.codec(z.string().regex(/^-?\d{1,19}$/), z.int64(), {
  decode: (text) => BigInt(text),
  encode: (value) => value.toString(),
})

/** An id that its issuer chose: opaque, and safe in a file name, a URL and a log. */
export const opaqueId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/)

export const failureCode = z.string().regex(FAILURE_CODE)

/** Cut and cleaned as it comes in. */
export const failureText = z
  .string()
  .max(4096)
  .overwrite((text) => cleanText(text, FAILURE_TEXT_LENGTH_MAX))

/** Reads and writes messages of at most `maxBytes` on `stream`. */
export function messageStream(stream: Stream, maxBytes: number): MessageStream {
  return lpStream(stream, {
    maxDataLength: maxBytes,
    // A message is read as soon as it is there: a peer that is four messages ahead of us is not conversing.
    maxBufferSize: 4 * (maxBytes + LENGTH_BYTES_MAX),
    lengthDecoder: decodeLength,
  })
}

/** An unsigned varint of four bytes reaches 256 MiB, which no message here does. */
const LENGTH_BYTES_MAX = 4

/** lpStream's own decoder asks for more for as long as a peer sends bytes that do not end the number. */
function decodeLength(bytes: { byteLength: number; get(index: number): number }): number {
  let length = 0
  for (let index = 0; index < bytes.byteLength; index++) {
    const byte = bytes.get(index)
    length |= (byte & 0x7f) << (7 * index)
    if (byte < 0x80) return length
  }
  if (bytes.byteLength >= LENGTH_BYTES_MAX) {
    throw new ProtocolError({ code: 'MESSAGE_TOO_LARGE', detail: 'its length has no end' })
  }
  // What lpStream takes for "not all here yet".
  throw new RangeError('the length is incomplete')
}

/** @throws ProtocolError `MESSAGE_INVALID` for what is not UTF-8, not JSON or not of the schema */
export async function readMessage<S extends z.ZodType>(
  messages: MessageStream,
  schema: S,
  options: AbortOptions,
): Promise<z.output<S>> {
  const bytes = await messages.read(options)
  return decodeMessage(bytes.subarray(), schema)
}

export async function writeMessage<S extends z.ZodType>(
  messages: MessageStream,
  schema: S,
  message: z.output<S>,
  options: AbortOptions,
): Promise<void> {
  await messages.write(encodeMessage(schema, message), options)
}

/** @throws ZodError where this node itself made a message that its own schema forbids */
export function encodeMessage<S extends z.ZodType>(schema: S, message: z.output<S>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(z.encode(schema, message)))
}

export function decodeMessage<S extends z.ZodType>(bytes: Uint8Array, schema: S): z.output<S> {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new ProtocolError({ code: 'MESSAGE_INVALID', detail: 'not JSON in UTF-8' }, { cause })
  }
  const parsed = schema.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const detail = cleanText(`${issue?.path.join('.')}: ${issue?.message}`, 256)
    throw new ProtocolError({ code: 'MESSAGE_INVALID', detail })
  }
  return parsed.data
}
