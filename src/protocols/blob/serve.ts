/** The serving side of one blob stream: one range is on its way while the next is read, and no more than these two are in memory. */

import type { Stream } from '@libp2p/interface'
import { pEvent } from 'p-event'
import { withDeadline } from '../deadline.ts'
import { type MessageStream, messageStream, readMessage, writeMessage } from '../messages.ts'
import { closeStream } from '../streams.ts'
import {
  BLOB_IDLE_TIMEOUT_MS,
  BLOB_OPEN_TIMEOUT_MS,
  BLOB_REQUEST_BYTES_MAX,
  BLOB_SEND_TIMEOUT_MS,
} from './constants.ts'
import type { BlobContent } from './index.ts'
import {
  BLOB_STATUS,
  type BlobRange,
  type BlobStatus,
  blobOpen,
  blobOpened,
  blobRequest,
} from './messages.ts'

export interface ServeBlobInit {
  signal: AbortSignal
  resolve(blobId: string): BlobContent | undefined
  onBytesSent(bytes: number): void
}

/** Serves until the reader closes the stream. Throws, for libp2p to abort the stream, on anything else. */
export async function serveBlob(stream: Stream, init: ServeBlobInit): Promise<void> {
  const messages = messageStream(stream, BLOB_REQUEST_BYTES_MAX)
  const content = await open(messages, init)
  if (content !== undefined) await serveRanges(stream, messages, content, init)
  await withDeadline('close', BLOB_OPEN_TIMEOUT_MS, init, async (signal) => {
    await closeStream(stream, { signal })
  })
}

async function open(messages: MessageStream, init: ServeBlobInit): Promise<BlobContent | undefined> {
  return await withDeadline('name a blob', BLOB_OPEN_TIMEOUT_MS, init, async (signal) => {
    const { blob } = await readMessage(messages, blobOpen, { signal })
    const content = init.resolve(blob)
    const answer =
      content === undefined ? ({ code: 'UNKNOWN_BLOB' } as const) : { sizeBytes: content.sizeBytes }
    await writeMessage(messages, blobOpened, answer, { signal })
    return content
  })
}

async function serveRanges(
  stream: Stream,
  messages: MessageStream,
  content: BlobContent,
  init: ServeBlobInit,
): Promise<void> {
  // A reader that does not take its bytes is not waited for as one that thinks about what to ask next.
  const untaken = new AbortController()
  const asking = { ...init, signal: AbortSignal.any([init.signal, untaken.signal]) }
  let sending = Promise.resolve()
  for (;;) {
    const range = await nextRequest(stream, messages, asking)
    if (range === undefined) break
    const answer = await readRange(content, range, asking.signal)
    await sending
    sending = send(answer)
    sending.catch((error: unknown) => untaken.abort(error))
  }
  await sending

  async function send({ status, bytes }: RangeAnswer): Promise<void> {
    await withDeadline('take the bytes', BLOB_SEND_TIMEOUT_MS, init, async (signal) => {
      const head = Uint8Array.of(BLOB_STATUS[status])
      await messages.writeV(bytes === undefined ? [head] : [head, bytes], { signal })
      // `drain` means only that some more could be sent: without waiting for the rest, a reader that takes a few
      // bytes of each range would have us buffer all of them.
      if (stream.writeBufferLength > 0) {
        await pEvent(stream, 'idle', { signal, rejectionEvents: ['close'] })
      }
    })
    if (bytes !== undefined) init.onBytesSent(bytes.byteLength)
  }
}

/** The next request, or undefined where the reader has closed its side between two. */
async function nextRequest(
  stream: Stream,
  messages: MessageStream,
  init: ServeBlobInit,
): Promise<BlobRange | undefined> {
  try {
    return await withDeadline('ask for more', BLOB_IDLE_TIMEOUT_MS, init, async (signal) => {
      return await readMessage(messages, blobRequest, { signal })
    })
  } catch (err) {
    if (stream.status === 'open' && stream.remoteWriteStatus === 'closed') return undefined
    throw err
  }
}

interface RangeAnswer {
  status: BlobStatus
  bytes?: Uint8Array
}

async function readRange(
  content: BlobContent,
  { offset, length }: BlobRange,
  signal: AbortSignal,
): Promise<RangeAnswer> {
  if (offset + length > content.sizeBytes) return { status: 'OUT_OF_RANGE' }
  try {
    const bytes = await content.read(offset, length, { signal })
    return bytes.byteLength === length ? { status: 'OK', bytes } : { status: 'TRUNCATED' }
  } catch {
    return { status: 'BLOB_UNREADABLE' }
  }
}
