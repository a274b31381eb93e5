/** A stream's directory: what is listed is there, and the lists follow RFC 8216. */
import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readHlsParams } from '../../src/node/live/hls-params.ts'
import { HlsWriter, openStreamDirectory } from '../../src/node/live/hls-writer.ts'
import { readStreamRequest } from '../../src/node/live/request.ts'
import { expectLivePlaylists, readPlaylist } from '../helpers/playlists.ts'
import { temporaryDirectory } from '../support/temporary.ts'

const PICTURE = { width: 320, height: 180, framesPerSecond: 25 }

interface Change {
  header?: string
  isDiscontinuous?: boolean
  seconds?: number
}

async function play(
  kind: 'event' | 'sliding',
  changes: readonly Change[],
  { deletes = true, listSize = 3 } = {},
) {
  const directory = await temporaryDirectory()
  const writer = new HlsWriter(directory, { kind, listSize, deletes, targetSeconds: 2 }, PICTURE)
  const readings: string[] = []
  const read = () => {
    const text = readFileSync(join(directory, 'stream.m3u8'), 'utf8')
    readings.push(text)
    const there = new Set(readdirSync(directory))
    for (const { uri, map = '' } of readPlaylist(text).segments)
      expect([there.has(uri), there.has(map)]).toEqual([true, true])
  }
  for (const [at, { header = 'a', isDiscontinuous = false, seconds = 2 }] of changes.entries()) {
    const bytes = Buffer.alloc(1000)
    await writer.add({ header: Buffer.from(header), bytes, seconds, takenInAt: at * 2000, isDiscontinuous })
    read()
  }
  await writer.end()
  read()
  expectLivePlaylists(readings)
  return { directory, last: readPlaylist(readings.at(-1) ?? ''), names: readdirSync(directory) }
}

const many = (count: number): Change[] => Array.from({ length: count }, () => ({}))

describe('lists', () => {
  test('of an event keep all, and are done in the end', async () => {
    const { last, names } = await play('event', many(8))
    expect(last.segments).toHaveLength(8)
    expect([last.type, last.isEnded, last.mediaSequence]).toEqual(['VOD', true, 0])
    expect(names.filter((name) => name.endsWith('.m4s'))).toHaveLength(8)
  })

  test('that slide list the newest, and what is long gone is removed', async () => {
    const { last, names } = await play('sliding', many(12))
    expect(last.segments.map(({ uri }) => uri)).toEqual(['segment-9.m4s', 'segment-10.m4s', 'segment-11.m4s'])
    expect(last.mediaSequence).toBe(9)
    expect(names.filter((name) => name.endsWith('.m4s')).length).toBeLessThanOrEqual(6)
    expect((await play('sliding', many(12), { deletes: false })).names).toContain('segment-0.m4s')
  })

  test('keep count of discontinuities that have left', async () => {
    const changes = [
      {},
      {},
      { isDiscontinuous: true },
      {},
      { header: 'b' },
      { header: 'b' },
      { header: 'a' },
      ...many(5),
    ]
    const { last } = await play('sliding', changes)
    expect(last.discontinuitySequence).toBe(3)
    const all = await play('event', changes)
    expect(all.last.segments.at(-1)?.discontinuity).toBe(3)
    expect(new Set(all.last.segments.map(({ map }) => map)).size).toBe(3)
  })

  test('of lists name the stream, its size and its rates', async () => {
    const { directory } = await play('event', many(3))
    const text = readFileSync(join(directory, 'index.m3u8'), 'utf8')
    expect(text).toMatch(
      /BANDWIDTH=4000,AVERAGE-BANDWIDTH=4000,.*RESOLUTION=320x180,FRAME-RATE=25\.000\nstream\.m3u8/,
    )
  })
})

test('a directory is cleared of an earlier stream, and of nothing else', async () => {
  const directory = await temporaryDirectory()
  for (const name of [
    'segment-3.m4s',
    'init-0.mp4',
    'stream.m3u8',
    '.stream.m3u8.partial',
    'notes.txt',
    'film.mp4',
  ]) {
    await writeFile(join(directory, name), '')
  }
  await openStreamDirectory(directory)
  expect(readdirSync(directory).sort()).toEqual(['film.mp4', 'notes.txt'])
})

describe('--stream-params', () => {
  test('are FFmpeg’s', () => {
    const words =
      '-hls_time 6 -hls_flags delete_segments+independent_segments -hls_list_size 10 -hls_segment_type fmp4'
    expect(readHlsParams(words)).toEqual({
      segmentSeconds: 6,
      hls: { kind: 'sliding', listSize: 10, deletes: true },
      isTransportStream: false,
    })
    expect(readHlsParams('-hls_playlist_type event').hls.kind).toBe('event')
    expect(readHlsParams('-hls_list_size 0').hls.kind).toBe('event')
  })

  test.each([
    '-hls_time x',
    '-hls_time 0.1',
    '-hls_segment_type webm',
    '-hls_flags odd',
    '-f hls',
    '-hls_playlist_type x',
  ])('%s is refused', (words) => expect(() => readHlsParams(words)).toThrow())
})

test('params are told apart: the sound is encoded here, the pictures by the nodes', () => {
  const words = { output: 'o', delay: 30, streamParams: '', wait: 60, local: 'auto' } as const
  const params = '-c:v libx264 -b:a 96k -crf 20 -c:a libopus -ar 48000 -vf scale=-2:360'
  const request = readStreamRequest('in.ts', { ...words, params, realtime: true })
  expect(request.params).toBe('-c:v libx264 -crf 20 -vf scale=-2:360')
  expect(request.audio).toEqual(['-b:a', '96k', '-c:a', 'libopus', '-ar', '48000'])
  expect(request.input).toEqual({ url: 'in.ts', options: [], isPaced: true })
  expect(readStreamRequest('srt://h:1', { ...words, realtime: true }).input.isPaced).toBe(false)
  expect(readStreamRequest('-', words).audio).toContain('aac')
})
