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
  for (;;) {
    const range = await nextRequest(stream, messages, init)
    if (range === undefined) return
    const answer = await readRange(content, range, init.signal)
    await withDeadline('take the bytes', BLOB_SEND_TIMEOUT_MS, init, async (signal) => {
      // `drain` means only that some more could be sent: without waiting for the rest, a reader that takes a few
      // bytes of each range would have us buffer all of them.
      if (stream.writeBufferLength > 0) {
        await pEvent(stream, 'idle', { signal, rejectionEvents: ['close'] })
      }
      const status = Uint8Array.of(BLOB_STATUS[answer.status])
      const parts = answer.bytes === undefined ? [status] : [status, answer.bytes]
      // It goes on while the next request is read, and what that asks for.
      messages.writeV(parts, { signal }).catch(() => {})
    })
    if (answer.bytes !== undefined) init.onBytesSent(answer.bytes.byteLength)
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
