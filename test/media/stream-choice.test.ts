import { describe, expect, test } from 'vitest'
import { MediaError, type Source } from '../../src/media/index.ts'
import { chooseStreams, readStreamChoice } from '../../src/media/params/stream-choice.ts'
import { readOptions, splitParams } from '../../src/media/params/words.ts'
import type { SourceStream, StreamKind } from '../../src/media/probe.ts'

const stream = (index: number, kind: StreamKind, language?: string, disposition?: string): SourceStream => ({
  ...{ index, kind, language, codec: 'x', timeBase: { num: 1, den: 1000 } },
  dispositions: disposition === undefined ? [] : [disposition],
})

const STREAMS = [
  stream(0, 'video', undefined, 'attached_pic'),
  stream(1, 'audio', 'eng'),
  stream(2, 'video'),
  stream(3, 'audio', 'deu'),
  stream(4, 'subtitle', 'deu'),
  stream(5, 'video', 'eng'),
  stream(6, 'data'),
  stream(7, 'attachment'),
]

const source = { format: 'matroska', streams: STREAMS, video: STREAMS[2] } as unknown as Source

const choose = (text: string) => chooseStreams(source, readStreamChoice(readOptions(splitParams(text))))
const chosen = (text: string) => choose(text).streams.map(({ index }) => index)

describe('the chosen streams', () => {
  test.each([
    ['', [0, 1, 2, 3, 4, 5, 6, 7]],
    ['-map 0', [0, 1, 2, 3, 4, 5, 6, 7]],
    ['-an', [0, 2, 4, 5, 6, 7]],
    ['-an -sn -dn', [0, 2, 5, 7]],
    ['-map 0:V -map 0:a:1', [2, 5, 3]],
    ['-map 0:a -map 0:V:0', [1, 3, 2]],
    ['-map 0:2 -map 0:3', [2, 3]],
    ['-map 0:V:0 -map 0:s? -map 0:t', [2, 4, 7]],
    ['-map 0:V:0 -map 0:s:5?', [2]],
    ['-map 0 -map -0:a', [0, 2, 4, 5, 6, 7]],
    ['-map 0 -map -0:a:0 -map -0:d', [0, 2, 3, 4, 5, 7]],
    ['-map 0:V:0 -map 0:m:language:deu', [2, 3, 4]],
    ['-map 0:V:0 -map 0:a:m:language:deu', [2, 3]],
    ['-map 0:V:0 -map 0:a:0 -map 0:a:0', [2, 1, 1]],
    ['-map 0:V:0 -map 0:a -an', [2]],
  ])('%s', (text, streams) => {
    expect(chosen(text)).toEqual(streams)
  })

  test.each([
    ['', 2],
    ['-map 0:V:1 -map 0:a', 5],
    ['-map 0:v:2', 5],
    ['-map 0:5 -map 0:2', 2],
  ])('%s: video stream %d is encoded', (text, index) => {
    expect(choose(text).video.index).toBe(index)
  })

  test.each([
    '-map 0:a',
    '-map 0:v:0',
    '-map 0 -map -0:v',
    '-map 0:s:3',
    '-map 0:9',
    '-map 0:V -map 0:m:language:fra',
  ])('%s is refused', (text) => {
    const failing = () => choose(text)
    expect(failing).toThrow(MediaError)
    expect(failing).toThrow(/-map/)
  })
})
