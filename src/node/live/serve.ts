/** A small server for a stream's directory, with a page that plays it. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import sirv from 'sirv'
import { isErrno } from '../errno.ts'
import { NetworkError } from '../network-error.ts'
import { PLAYER_PAGE } from './player-page.ts'

export interface ServeAddress {
  readonly host: string
  readonly port: number
}

export interface StreamServer {
  /** Where it is to be had. */
  readonly url: string
  close(): Promise<void>
}

const TYPES: Readonly<Record<string, string>> = {
  m3u8: 'application/vnd.apple.mpegurl',
  m4s: 'video/iso.segment',
  mp4: 'video/mp4',
  ts: 'video/mp2t',
}
/** What a stream's directory has of the stream: nothing else of it is anybody's business. */
const SERVED = /^\/(index\.m3u8|stream\.m3u8|segment-\d+\.(m4s|ts)|init-\d+\.mp4)$/
/** Of whoever connects and says nothing. */
const HEADERS_MS = 10_000
const REQUEST_MS = 60_000
const CONNECTIONS_MAX = 1_000

/**
 * @param player the script that plays the stream where browsers do not by themselves
 * @throws NetworkError PORT_IN_USE, LISTEN_FAILED
 */
export async function serveStream(
  directory: string,
  { host, port }: ServeAddress,
  player: Buffer,
): Promise<StreamServer> {
  const files = sirv(directory, {
    dev: true,
    setHeaders(response, path) {
      const ending = /\.(\w+)$/.exec(path)?.[1] ?? ''
      response.setHeader('Content-Type', TYPES[ending] ?? 'application/octet-stream')
      // Lists change with each segment. A segment's name comes again with the next stream.
      response.setHeader('Cache-Control', ending === 'm3u8' ? 'no-cache' : 'public, max-age=60')
    },
  })
  const server = createServer((request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.setHeader('Access-Control-Allow-Headers', 'Range')
    response.setHeader('Access-Control-Expose-Headers', 'Content-Length, Content-Range, Date')
    response.setHeader('X-Content-Type-Options', 'nosniff')
    const path = (request.url ?? '/').replace(/[?#].*$/s, '')
    const end = (status: number, type: string, content: string | Buffer) => {
      response
        .writeHead(status, { 'Content-Type': type })
        .end(request.method === 'HEAD' ? undefined : content)
    }
    if (request.method === 'OPTIONS') return end(204, 'text/plain', '')
    if (request.method !== 'GET' && request.method !== 'HEAD') return end(405, 'text/plain', 'GET and HEAD\n')
    if (path === '/') return end(200, 'text/html; charset=utf-8', PLAYER_PAGE)
    if (path === '/player.js') return end(200, 'text/javascript', player)
    if (!SERVED.test(path)) return end(404, 'text/plain', 'there is nothing\n')
    files(request, response, () => end(404, 'text/plain', 'not yet, or not any more\n'))
  })
  server.headersTimeout = HEADERS_MS
  server.requestTimeout = REQUEST_MS
  server.maxConnections = CONNECTIONS_MAX
  await listen(server, host, port)
  const address = server.address() as AddressInfo
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return {
    url: `http://${name}:${address.port}/`,
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, resolve)
  try {
    await promise
  } catch (cause) {
    if (isErrno(cause, 'EADDRINUSE')) throw new NetworkError({ code: 'PORT_IN_USE', port }, { cause })
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new NetworkError({ code: 'LISTEN_FAILED', addresses: [`${host}:${port}`], detail }, { cause })
  } finally {
    server.off('error', reject)
  }
}
