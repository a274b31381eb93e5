import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { pEvent } from 'p-event'
import { expect, test } from 'vitest'
import {
  BLOB_PROTOCOL,
  BLOB_RANGE_BYTES_MAX,
  type Blob,
  type BlobContent,
  type BlobInit,
  blob,
} from '../../src/protocols/blob/index.ts'
import { codeOf, connect, createNode } from './support/nodes.ts'

const MIB = 1024 * 1024

function content(bytes: Uint8Array): BlobContent {
  return {
    sizeBytes: bytes.byteLength,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  }
}

async function blobNode(init: BlobInit = {}, options: { privateKey?: PrivateKey; port?: number } = {}) {
  return await createNode<{ blob: Blob }>({ blob: blob(init) }, options)
}

async function pair(bytes: Uint8Array, init: BlobInit = {}) {
  const [server, client] = await Promise.all([
    blobNode({ resolve: (id) => (id === 'b' ? content(bytes) : undefined) }),
    blobNode(init),
  ])
  await connect(client, server)
  return { server, client }
}

function openStreams(...nodes: Libp2p[]): number {
  return nodes.flatMap((node) => node.getConnections()).flatMap(({ streams }) => streams).length
}

test('ranges are the bytes they name, at every edge', async () => {
  const bytes = randomBytes(3 * BLOB_RANGE_BYTES_MAX + 17)
  const { server, client } = await pair(bytes)
  const reader = await client.services.blob.open(server.peerId, 'b')
  expect(reader.sizeBytes).toBe(bytes.length)
  for (const [offset, length] of [
    [0, 0],
    [0, 1],
    [5, 100],
    [BLOB_RANGE_BYTES_MAX - 1, 2],
    [0, BLOB_RANGE_BYTES_MAX],
    [1, BLOB_RANGE_BYTES_MAX + 1],
    [bytes.length - 1, 1],
    [bytes.length, 0],
    [0, bytes.length],
  ] as const) {
    const read = await reader.read(offset, length)
    expect(Buffer.compare(Buffer.concat(read), bytes.subarray(offset, offset + length))).toBe(0)
  }
  await reader.close()
  await expect.poll(() => openStreams(server, client)).toBe(0)
})

test('reads at the same time each get their own range', async () => {
  const bytes = randomBytes(2 * MIB)
  const { server, client } = await pair(bytes)
  const reader = await client.services.blob.open(server.peerId, 'b')
  const offsets = Array.from({ length: 200 }, (_, i) => (i * 7919) % (bytes.length - 1000))
  await Promise.all(
    offsets.map(async (offset) => {
      const read = await reader.read(offset, 1000)
      expect(Buffer.compare(Buffer.concat(read), bytes.subarray(offset, offset + 1000))).toBe(0)
    }),
  )
  await reader.close()
})

test('a range outside the blob is refused without asking, and by a server that is asked all the same', async () => {
  const { server, client } = await pair(randomBytes(100))
  const reader = await client.services.blob.open(server.peerId, 'b')
  for (const [offset, length] of [
    [0, 101],
    [100, 1],
    [-1, 1],
    [0.5, 1],
    [0, Number.NaN],
    [Number.MAX_SAFE_INTEGER, 1],
  ] as const) {
    expect(await codeOf(reader.read(offset, length))).toBe('OUT_OF_RANGE')
  }
  expect(Buffer.concat(await reader.read(0, 100)).byteLength).toBe(100)
  await reader.close()

  const stream = await client.dialProtocol(server.peerId, BLOB_PROTOCOL)
  const answers: number[] = []
  stream.addEventListener('message', ({ data }) => answers.push(...data.subarray()))
  send(stream, { blob: 'b' })
  send(stream, { offset: 90, length: 11 })
  // The opening answer, then one message of one byte: OUT_OF_RANGE.
  await expect.poll(() => answers.slice(-2)).toEqual([1, 1])
  stream.abort(new Error('done'))
})

test('an unknown blob is told apart from a lost peer', async () => {
  const { server, client } = await pair(randomBytes(1))
  expect(await codeOf(client.services.blob.open(server.peerId, 'other'))).toBe('UNKNOWN_BLOB')
  await expect.poll(() => openStreams(server, client)).toBe(0)
})

test('requests that are malformed or too large end their stream, and the node serves on', async () => {
  const { server, client } = await pair(randomBytes(100))
  for (const request of [
    Buffer.from('{"offset":-1,"length":1}'),
    Buffer.from(`{"offset":0,"length":${BLOB_RANGE_BYTES_MAX + 1}}`),
    Buffer.from('nonsense'),
    Buffer.alloc(2000),
  ]) {
    const stream = await client.dialProtocol(server.peerId, BLOB_PROTOCOL)
    const closed = pEvent(stream, 'close')
    send(stream, { blob: 'b' })
    sendBytes(stream, request)
    await closed
  }
  const reader = await client.services.blob.open(server.peerId, 'b')
  expect(Buffer.concat(await reader.read(0, 100)).byteLength).toBe(100)
  await reader.close()
})

test('content that has become shorter is told, not padded', async () => {
  const bytes = randomBytes(1000)
  const server = await blobNode({ resolve: () => ({ ...content(bytes), sizeBytes: 2000 }) })
  const client = await blobNode()
  await connect(client, server)
  const received: Uint8Array[] = []
  const download = client.services.blob.download(server.peerId, 'b', {
    sizeBytes: 2000,
    write: async (pieces) => void received.push(...pieces),
  })
  expect(await codeOf(download)).toBe('TRUNCATED')
  const wrongSize = client.services.blob.download(server.peerId, 'b', {
    sizeBytes: 1000,
    write: async () => {},
  })
  expect(await codeOf(wrongSize)).toBe('SIZE_DIFFERS')
})

test('content that cannot be read fails its range alone', async () => {
  const bytes = randomBytes(1000)
  let fail = true
  const server = await blobNode({
    resolve: () => ({
      sizeBytes: 1000,
      read: async (offset, length) => {
        if (fail) throw new Error('EIO')
        return bytes.subarray(offset, offset + length)
      },
    }),
  })
  const client = await blobNode()
  await connect(client, server)
  const reader = await client.services.blob.open(server.peerId, 'b')
  expect(await codeOf(reader.read(0, 10))).toBe('BLOB_UNREADABLE')
  fail = false
  expect(Buffer.concat(await reader.read(0, 10)).byteLength).toBe(10)
  await reader.close()
})

test('256 MiB through a slow sink: every byte, in order, never far ahead of it', async () => {
  const piece = randomBytes(MIB)
  const sizeBytes = 256 * MIB
  let served = 0
  let taken = 0
  let aheadMax = 0
  const server = await blobNode({
    resolve: () => ({
      sizeBytes,
      read: async (offset, length) => {
        served += length
        aheadMax = Math.max(aheadMax, served - taken)
        // The same MiB over and over, but each with its own number.
        const bytes = Buffer.from(piece.subarray(0, length))
        bytes.writeUInt32BE(offset / MIB)
        return bytes
      },
    }),
  })
  const counted = { sent: 0, received: 0 }
  const client = await blobNode({
    onBytesReceived: (_, bytes) => {
      counted.received += bytes
    },
  })
  await connect(client, server)
  const hash = createHash('sha256')
  await client.services.blob.download(server.peerId, 'b', {
    sizeBytes,
    write: async (pieces) => {
      if (taken % (16 * MIB) === 0) await sleep(20)
      for (const bytes of pieces) hash.update(bytes)
    },
    onBytes: (bytes) => {
      taken += bytes
    },
  })
  const expected = createHash('sha256')
  for (let index = 0; index < 256; index++) {
    const bytes = Buffer.from(piece)
    bytes.writeUInt32BE(index)
    expected.update(bytes)
  }
  expect(taken).toBe(sizeBytes)
  expect(counted.received).toBe(sizeBytes)
  expect(hash.digest('hex')).toBe(expected.digest('hex'))
  // Three on their way, and one in the sink.
  expect(aheadMax).toBeLessThanOrEqual(4 * BLOB_RANGE_BYTES_MAX)
  await expect.poll(() => openStreams(server, client)).toBe(0)
})

test('a sink that fails ends the download with its own error', async () => {
  const { server, client } = await pair(randomBytes(8 * MIB))
  const reason = new Error('disk full')
  const download = client.services.blob.download(server.peerId, 'b', {
    sizeBytes: 8 * MIB,
    write: async () => {
      throw reason
    },
  })
  await expect(download).rejects.toBe(reason)
  await expect.poll(() => openStreams(server, client)).toBe(0)
})

test('a download goes on at the next byte when its peer comes back', async () => {
  const bytes = randomBytes(24 * MIB)
  const privateKey = await generateKeyPair('Ed25519')
  const resolve = () => content(bytes)
  let server = await blobNode({ resolve }, { privateKey })
  const port = Number(
    server
      .getMultiaddrs()[0]
      ?.getComponents()
      .find(({ name }) => name === 'tcp')?.value,
  )
  const client = await blobNode()
  await connect(client, server)
  const hash = createHash('sha256')
  let taken = 0
  let restarted = false
  await client.services.blob.download(server.peerId, 'b', {
    sizeBytes: bytes.length,
    write: async (pieces) => {
      if (taken >= 8 * MIB && !restarted) {
        restarted = true
        await server.stop()
        setTimeout(async () => {
          server = await blobNode({ resolve }, { privateKey, port })
        }, 700)
      }
      for (const bytes of pieces) hash.update(bytes)
      taken += Buffer.concat(pieces).byteLength
    },
  })
  expect(restarted).toBe(true)
  expect(taken).toBe(bytes.length)
  expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'))
})

test('reads fail with DISCONNECTED once a peer has been away for the break timeout', async () => {
  const { server, client } = await pair(randomBytes(MIB), { breakTimeoutMs: 1_000 })
  const reader = await client.services.blob.open(server.peerId, 'b')
  await server.stop()
  const reads = [reader.read(0, 100), reader.read(200, 100)]
  expect(await Promise.all(reads.map(codeOf))).toEqual(['DISCONNECTED', 'DISCONNECTED'])
  await reader.close()
})

test('a peer that stalls is asked again on a new stream', async () => {
  const bytes = randomBytes(1000)
  let stall = true
  const server = await blobNode({
    resolve: () => ({
      sizeBytes: 1000,
      read: async (offset, length, { signal }) => {
        if (stall) await sleep(60_000, undefined, { signal, ref: false })
        return bytes.subarray(offset, offset + length)
      },
    }),
  })
  const client = await blobNode({ stallTimeoutMs: 200 })
  await connect(client, server)
  const reader = await client.services.blob.open(server.peerId, 'b')
  const read = reader.read(10, 20)
  await sleep(300)
  stall = false
  expect(Buffer.compare(Buffer.concat(await read), bytes.subarray(10, 30))).toBe(0)
  await reader.close()
})

test("an abandoned read ends with its caller's reason, and the reader reads on", async () => {
  const { server, client } = await pair(randomBytes(8 * MIB))
  const reader = await client.services.blob.open(server.peerId, 'b')
  const controller = new AbortController()
  const reads = Array.from({ length: 8 }, (_, i) => reader.read(i * MIB, MIB, { signal: controller.signal }))
  const reason = new Error('seeked away')
  controller.abort(reason)
  for (const read of reads) await expect(read).rejects.toBe(reason)
  expect(Buffer.concat(await reader.read(0, 10)).byteLength).toBe(10)
  await reader.close()
  expect(await codeOf(reader.read(0, 10))).toBe('DISCONNECTED')
})

test('a server that answers what was not asked is not believed', async () => {
  const server = await createNode({})
  await server.handle(BLOB_PROTOCOL, async (stream) => {
    send(stream, { sizeBytes: 1000 })
    stream.addEventListener('message', ({ data }) => {
      if (data.byteLength < 20) return
      sendBytes(stream, Buffer.of(0))
      sendBytes(stream, Buffer.alloc(5))
    })
  })
  const client = await blobNode()
  await connect(client, server)
  const reader = await client.services.blob.open(server.peerId, 'b')
  expect(await codeOf(reader.read(0, 10))).toBe('MESSAGE_INVALID')
  await reader.close()
})

test('a server whose bytes come in crumbs is not listened to', async () => {
  const server = await createNode({})
  await server.handle(BLOB_PROTOCOL, async (stream) => {
    send(stream, { sizeBytes: MIB })
    stream.addEventListener('message', ({ data }) => {
      if (data.byteLength < 20) return
      sendBytes(stream, Buffer.of(0))
      stream.send(Buffer.of(0x80, 0x80, 0x40))
      const crumb = async () => {
        for (let sent = 0; sent < MIB && stream.status === 'open'; sent++) {
          if (!stream.send(Buffer.of(7))) await pEvent(stream, 'drain', { rejectionEvents: ['close'] })
          if (sent % 500 === 0) await sleep(1)
        }
      }
      crumb().catch(() => {})
    })
  })
  const client = await blobNode()
  await connect(client, server)
  const reader = await client.services.blob.open(server.peerId, 'b')
  expect(await codeOf(reader.read(0, MIB))).toBe('MESSAGE_INVALID')
  await reader.close()
})

function send(stream: { send(bytes: Uint8Array): boolean }, message: object): void {
  sendBytes(stream, Buffer.from(JSON.stringify(message)))
}

function sendBytes(stream: { send(bytes: Uint8Array): boolean }, bytes: Uint8Array): void {
  const { length } = bytes
  const prefix = length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7]
  stream.send(Buffer.concat([Buffer.from(prefix), bytes]))
}
