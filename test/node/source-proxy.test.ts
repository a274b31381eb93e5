import { mkdtemp, open, rm } from 'node:fs/promises'
import { get, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { BlockCache } from '../../src/node/worker/block-cache.ts'
import { parseRange, startSourceProxy } from '../../src/node/worker/source-proxy.ts'
import { ffmpeg } from '../helpers/ffmpeg.ts'

describe('a range as ffmpeg asks for it', () => {
  test.each([
    [undefined, { start: 0, end: 1000 }],
    ['bytes=0-', { start: 0, end: 1000 }],
    ['bytes=0-0', { start: 0, end: 1 }],
    ['bytes=10-19', { start: 10, end: 20 }],
    ['bytes=990-5000', { start: 990, end: 1000 }],
    ['bytes=999-', { start: 999, end: 1000 }],
  ])('%s', (header, range) => {
    expect(parseRange(header, 1000)).toEqual(range)
  })

  test.each(['bytes=1000-', 'bytes=20-10', 'bytes=-5', 'bytes=0-1,5-6', 'bytes=a-b', 'lines=0-1', ''])(
    "'%s' is none",
    (header) => {
      expect(parseRange(header, 1000)).toBeUndefined()
    },
  )
})

describe('the proxy', () => {
  const SIZE = 1000
  async function serve({ failFrom = Number.POSITIVE_INFINITY } = {}) {
    const proxy = await startSourceProxy()
    onTestFinished(() => proxy.stop())
    const cache = new BlockCache({
      sizeBytes: SIZE,
      blockBytes: 64,
      blocksMax: 4,
      async read(offset, length) {
        if (offset + length > failFrom) throw new Error('lost')
        return [Uint8Array.from({ length }, (_, place) => (offset + place) % 251)]
      },
    })
    return { proxy, cache, source: proxy.serve(cache) }
  }

  interface Answer {
    status: number | undefined
    headers: IncomingMessage['headers']
    bytes: Buffer
    whole: boolean
  }

  function ask(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asking = method === 'GET' ? get(url, { headers }) : request(url, { method, headers }).end()
      asking.on('error', reject).on('response', (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', () => {})
        response.on('close', () =>
          resolve({
            status: response.statusCode,
            headers: response.headers,
            bytes: Buffer.concat(chunks),
            whole: response.complete,
          }),
        )
      })
    })
  }

  const expected = (start: number, end: number) =>
    Buffer.from(Uint8Array.from({ length: end - start }, (_, place) => (start + place) % 251))

  test('gives the whole file', async () => {
    const { source } = await serve()
    const answer = await ask(source.url)
    expect(answer).toMatchObject({ status: 200, whole: true })
    expect(answer.headers).toMatchObject({ 'content-length': '1000', 'accept-ranges': 'bytes' })
    expect(answer.bytes.equals(expected(0, SIZE))).toBe(true)
  })

  test('gives a range across blocks', async () => {
    const { source } = await serve()
    const answer = await ask(source.url, { range: 'bytes=60-200' })
    expect(answer).toMatchObject({ status: 206, whole: true })
    expect(answer.headers['content-range']).toBe('bytes 60-200/1000')
    expect(answer.bytes.equals(expected(60, 201))).toBe(true)
  })

  test('says how large the file is without giving it', async () => {
    const { source } = await serve()
    const answer = await ask(source.url, {}, 'HEAD')
    expect(answer.status).toBe(200)
    expect(answer.headers['content-length']).toBe('1000')
    expect(answer.bytes).toHaveLength(0)
  })

  test('refuses a range that is not in the file', async () => {
    const { source } = await serve()
    const answer = await ask(source.url, { range: 'bytes=1000-' })
    expect(answer.status).toBe(416)
    expect(answer.headers['content-range']).toBe('bytes */1000')
  })

  test('never passes off a part for the whole when the bytes stop coming', async () => {
    const { source } = await serve({ failFrom: 300 })
    // Whether it sees the beginning of the answer or a closed connection, a reader knows that this was not all.
    const isWhole = await ask(source.url).then(
      ({ whole }) => whole,
      () => false,
    )
    expect(isWhole).toBe(false)
  })

  test('ends an answer where the reader should have enough, and goes on when it is asked to', async () => {
    const { proxy, cache } = await serve()
    const { url } = proxy.serve(cache, [100, 300])
    const answer = await ask(url, { range: 'bytes=100-' })
    expect(answer).toMatchObject({ status: 206, whole: false })
    expect(answer.headers['content-range']).toBe('bytes 100-999/1000')
    // To the end of the block that was fetched.
    expect(answer.bytes.equals(expected(100, 320))).toBe(true)
    const rest = await ask(url, { range: 'bytes=320-' })
    expect(rest.bytes.equals(expected(320, SIZE))).toBe(true)
    expect(rest.whole).toBe(true)
  })

  test('lets nobody ask again and again for what cannot be had', async () => {
    const { source } = await serve({ failFrom: 300 })
    await ask(source.url).catch(() => {})
    expect((await ask(source.url)).status).toBe(404)
  })

  test('knows only the addresses it has given out, while they are in use', async () => {
    const { source } = await serve()
    expect((await ask(new URL('/', source.url).href)).status).toBe(404)
    expect((await ask(`${source.url}0`)).status).toBe(404)
    expect((await ask(source.url, {}, 'PUT')).status).toBe(404)
    source.close()
    expect((await ask(source.url)).status).toBe(404)
  })

  test('listens on the loopback interface alone, at an address nobody guesses', async () => {
    const { source } = await serve()
    expect(new URL(source.url).hostname).toBe('127.0.0.1')
    expect(new URL(source.url).pathname).toMatch(/^\/[0-9a-f]{32}$/)
  })

  test('lets ffmpeg open nothing but that address', async () => {
    const { source } = await serve()
    const place = source.inputOptions.indexOf('-protocol_whitelist')
    expect(source.inputOptions[place + 1]).toBe('http,tcp')
  })
})

describe('an ffmpeg that reads a part of a film', () => {
  const CONTAINERS = {
    mp4: [],
    'faststart.mp4': ['-movflags', '+faststart'],
    'fragmented.mp4': ['-movflags', '+frag_keyframe'],
    mkv: [],
    ts: [],
  }

  let directory = ''
  let film = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ffswarm-proxy-'))
    film = join(directory, 'film.mp4')
    // Noise that does not compress: some 1.6 MB a second.
    await ffmpeg(
      ...['-f', 'lavfi', '-i', 'nullsrc=size=256x144:rate=25:duration=16,geq=random(1)*255:128:128'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '4', '-g', '25', film],
    )
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  async function serve(path: string, needed: (sizeBytes: number) => readonly [number, number] | undefined) {
    const file = await open(path)
    onTestFinished(() => file.close())
    const { size: sizeBytes } = await file.stat()
    const fetched = { bytes: 0 }
    const cache = new BlockCache({
      ...{ sizeBytes, blockBytes: 64 * 1024, blocksMax: 128 },
      async read(offset, length) {
        fetched.bytes += length
        const bytes = new Uint8Array(length)
        await file.read(bytes, 0, length, offset)
        return [bytes]
      },
    })
    const proxy = await startSourceProxy()
    onTestFinished(() => proxy.stop())
    return { ...proxy.serve(cache, needed(sizeBytes)), sizeBytes, fetched }
  }

  const PART = ['-map', '0:v', '-t', '2', '-f', 'framemd5', 'pipe:1']

  test.each(Object.entries(CONTAINERS))(
    'of %s gets the same pictures in many answers',
    async (name, options) => {
      const path = join(directory, `copy.${name}`)
      await ffmpeg('-i', film, '-c', 'copy', ...options, path)
      const expected = await ffmpeg('-ss', '8', '-i', path, ...PART)
      expect(expected.split('\n').filter((line) => line.startsWith('0,'))).toHaveLength(50)
      // Nothing of what it is said to need is what it needs.
      const wrong = await serve(path, () => [1, 2])
      expect(await ffmpeg('-ss', '8', ...wrong.inputOptions, '-i', wrong.url, ...PART)).toBe(expected)
      expect(wrong.fetched.bytes).toBeLessThan(wrong.sizeBytes)
    },
  )

  test('has little more of it fetched than what it is said to need', async () => {
    const { url, inputOptions, fetched, sizeBytes } = await serve(film, (size) => [
      size / 2 - 1e5,
      size * 0.63,
    ])
    // Two of sixteen seconds, decoded no faster than they are shown, as by a slow encoder.
    await ffmpeg('-ss', '8', ...inputOptions, '-readrate', '4', '-i', url, '-t', '2', '-f', 'null', '-')
    expect(fetched.bytes).toBeGreaterThan(sizeBytes / 8)
    expect(fetched.bytes).toBeLessThan(sizeBytes / 8 + 2 ** 20)
  })

  test('has no more than a few megabytes of it fetched in vain where nobody knows', async () => {
    const { url, inputOptions, fetched, sizeBytes } = await serve(film, () => undefined)
    await ffmpeg('-ss', '8', ...inputOptions, '-readrate', '4', '-i', url, '-t', '2', '-f', 'null', '-')
    expect(fetched.bytes).toBeLessThan(sizeBytes / 8 + 4.5 * 2 ** 20)
  })
})
