/**
 * A loopback HTTP server that lets an ffmpeg on this machine read and seek in a remote file. Each task has its own
 * unguessable URL; bytes are fetched as ffmpeg asks for them.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Server as SocketServer } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { AnswerEnds, type Range } from './answer-end.ts'
import type { BlockCache } from './block-cache.ts'

export interface ServedSource {
  readonly url: string
  /** Input options for ffmpeg that go with the URL. */
  readonly inputOptions: readonly string[]
  /** Whether a reader has asked for bytes that are not here yet. */
  isWaiting(): boolean
  close(): void
}

export interface SourceProxy {
  /** @param needed about what will be read; undefined: nobody knows */
  serve(source: BlockCache, needed?: Range): ServedSource
  stop(): Promise<void>
}

/**
 * Nothing but this URL's kind may be opened, whatever the file says. An answer that ends before the file does is asked to go on; one
 * that fails is not, since its URL is gone.
 */
const INPUT_OPTIONS = [
  ...['-protocol_whitelist', 'http,tcp', '-seekable', '1', '-multiple_requests', '1', '-reconnect', '1'],
  // Where nobody knows what is needed, what lies in the system's buffers at the end was sent in vain.
  ...['-recv_buffer_size', '16384', '-tcp_mss', '1448'],
]

/** Of what is handed on at once: it waits here until ffmpeg takes it. */
const SLICE_BYTES = 64 * 1024
/** So far ahead of what ffmpeg reads bytes are fetched. */
const AHEAD_BYTES = 256 * 1024

interface Served {
  readonly source: BlockCache
  readonly ends: AnswerEnds
  /** Reads of the source that are under way. */
  reads: number
  /** Milliseconds that were waited for its bytes, and how many came. */
  waitedMs: number
  bytes: number
  /** Forgets it. */
  close(): void
}

/** @param listener a socket that listens already, on the loopback interface of those that are to read; by default a new one on this machine's */
export async function startSourceProxy(listener?: SocketServer): Promise<SourceProxy> {
  const sources = new Map<string, Served>()
  const server = createServer((request, response) => {
    const served = sources.get(request.url ?? '')
    if (served === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404).end()
      return
    }
    respond(served, request, response).catch(() => response.destroy())
  })
  if (listener === undefined) server.listen(0, '127.0.0.1')
  else server.listen(listener)
  await once(server, 'listening')
  const { port } = (listener ?? server).address() as AddressInfo
  return {
    serve(source, needed) {
      const path = `/${randomBytes(16).toString('hex')}`
      const close = () => void sources.delete(path)
      const ends = new AnswerEnds(needed, (offset) => source.endOfKnown(offset))
      const served: Served = { source, ends, reads: 0, waitedMs: 0, bytes: 0, close }
      sources.set(path, served)
      const isWaiting = () => served.reads > 0
      return { url: `http://127.0.0.1:${port}${path}`, inputOptions: INPUT_OPTIONS, isWaiting, close }
    },
    async stop() {
      listener?.close()
      await closeServer(server)
    },
  }
}

async function respond(served: Served, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { source, ends } = served
  const range = parseRange(request.headers.range, source.sizeBytes)
  if (range === undefined) {
    response.writeHead(416, { 'content-range': `bytes */${source.sizeBytes}` }).end()
    return
  }
  const { start, end } = range
  response.writeHead(request.headers.range === undefined ? 200 : 206, {
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'content-length': end - start,
    ...(request.headers.range === undefined
      ? {}
      : { 'content-range': `bytes ${start}-${end - 1}/${source.sizeBytes}` }),
  })
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  const stop = ends.next(start, end)
  await pipeline(blocks(served, start, stop), response, { end: stop === end })
  // All that was written still goes out.
  if (stop < end) response.socket?.destroySoon()
}

/** A source that trickles would keep the slot from everybody else for days. */
function isTooSlow({ waitedMs, bytes }: Pick<Served, 'waitedMs' | 'bytes'>): boolean {
  return waitedMs > SLOW_AFTER_MS && bytes / (waitedMs / 1000) < BYTES_A_SECOND_MIN
}

const SLOW_AFTER_MS = 120_000
/** An old modem's: whoever has no more is better off without a swarm. */
const BYTES_A_SECOND_MIN = 4_096

async function* blocks(served: Served, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let offset = start; offset < end; ) {
    served.source.fetchAhead(offset, Math.min(end, offset + AHEAD_BYTES))
    const bytes = (await read(served, offset)).subarray(0, Math.min(SLICE_BYTES, end - offset))
    if (bytes.length === 0) throw new Error('the source ended early')
    offset += bytes.length
    yield bytes
  }
}

async function read(served: Served, offset: number): Promise<Uint8Array> {
  served.reads++
  const began = performance.now()
  try {
    const bytes = await served.source.read(offset)
    served.waitedMs += performance.now() - began
    served.bytes += bytes.length
    if (isTooSlow(served)) throw new Error('the source comes too slowly to be worth a slot')
    return bytes
  } catch (error) {
    // Without the URL nobody asks for the rest of what cannot be had.
    served.close()
    throw error
  } finally {
    served.reads--
  }
}

/** RFC 9110, section 14.2, for the single ranges that ffmpeg asks for; `end` is exclusive. */
export function parseRange(
  header: string | undefined,
  sizeBytes: number,
): { start: number; end: number } | undefined {
  if (header === undefined) return { start: 0, end: sizeBytes }
  const match = /^bytes=(\d+)-(\d*)$/.exec(header)
  if (match === null) return undefined
  const start = Number(match[1])
  const end = match[2] === '' ? sizeBytes : Math.min(Number(match[2]) + 1, sizeBytes)
  return start < end ? { start, end } : undefined
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
