/**
 * A loopback HTTP server that lets an ffmpeg on this machine read and seek in a remote file. Each source has its own
 * unguessable URL; bytes are fetched as ffmpeg asks for them.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import type { BlockCache } from './block-cache.ts'

export interface ServedSource {
  readonly url: string
  /** Input options for ffmpeg that go with the URL. */
  readonly inputOptions: readonly string[]
  close(): void
}

export interface SourceProxy {
  serve(source: BlockCache): ServedSource
  stop(): Promise<void>
}

/**
 * Nothing but this URL's kind may be opened, whatever the file says; one connection serves all reads. What lies in the system's
 * buffers when ffmpeg has enough was sent over the network in vain: they are kept small, that of the sender by way of its packets.
 */
const INPUT_OPTIONS = [
  ...['-protocol_whitelist', 'http,tcp', '-seekable', '1', '-multiple_requests', '1'],
  ...['-recv_buffer_size', '16384', '-tcp_mss', '1448'],
]

/** Of what is handed on at once: it waits here until ffmpeg takes it. */
const SLICE_BYTES = 64 * 1024

export async function startSourceProxy(): Promise<SourceProxy> {
  const sources = new Map<string, BlockCache>()
  const server = createServer((request, response) => {
    const source = sources.get(request.url ?? '')
    if (source === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404).end()
      return
    }
    respond(source, request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    serve(source) {
      const path = `/${randomBytes(16).toString('hex')}`
      sources.set(path, source)
      return {
        url: `http://127.0.0.1:${port}${path}`,
        inputOptions: INPUT_OPTIONS,
        close: () => void sources.delete(path),
      }
    },
    stop: () => closeServer(server),
  }
}

async function respond(
  source: BlockCache,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
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
  await pipeline(blocks(source, start, end), response)
}

async function* blocks(source: BlockCache, start: number, end: number): AsyncGenerator<Uint8Array> {
  let offset = start
  while (offset < end) {
    const bytes = (await source.read(offset)).subarray(0, Math.min(SLICE_BYTES, end - offset))
    if (bytes.length === 0) throw new Error('the source ended early')
    offset += bytes.length
    // The next block is on its way while the second half of this one is read; a reader that seeks away has cost one block.
    if (offset < end) source.prefetchAfterHalf(offset - 1)
    yield bytes
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
