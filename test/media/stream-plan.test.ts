import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { prepareJob } from '../../src/node/coordinator/job.ts'
import { type Clip, manyTracks, twoVideos } from '../helpers/clips.ts'
import { tools } from '../helpers/ffmpeg.ts'

// Of manyTracks: H.264, AAC, Opus, SubRip, a font, chapters.
let directory: string
const paths = new Map<Clip, string>()
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ffswarm-stream-plan-'))
  for (const clip of [manyTracks, twoVideos]) {
    const path = join(directory, `${clip.name.replaceAll(' ', '-')}.${clip.extension}`)
    await clip.make(path)
    paths.set(clip, path)
  }
})
afterAll(async () => await rm(directory, { recursive: true, force: true }))

/** Each stream's place in the source and what becomes of it, then the warnings. */
async function plan(clip: Clip, extension: string, params: string) {
  const job = await prepareJob(
    { tools },
    { inputPath: paths.get(clip) ?? '', outputPath: `out.${extension}`, params },
    { signal: new AbortController().signal, scratchDir: directory },
  )
  const { streams, warnings } = await job.streams
  return {
    streams: streams.map(
      ({ source, action, codec }) => `${source.index} ${action}${codec === undefined ? '' : ` ${codec}`}`,
    ),
    warnings,
  }
}

describe('what becomes of each stream', () => {
  test.each([
    ['mkv', '', ['0 segments', '1 copy', '2 copy', '3 copy', '4 copy'], []],
    [
      'mp4',
      '',
      ['0 segments', '1 copy', '2 copy', '3 encode mov_text'],
      [
        'subtitle stream 3 (subrip, fra) is converted to mov_text: mp4 cannot hold it as it is',
        'attachment stream 4 (ttf) is left out: mp4 cannot hold it',
      ],
    ],
    [
      'ts',
      '-sn -map_chapters -1',
      ['0 segments', '1 copy', '2 copy'],
      ['attachment stream 4 (ttf) is left out: MPEG-TS cannot hold it'],
    ],
    [
      'ts',
      '-sn -map 0 -map -0:t',
      ['0 segments', '1 copy', '2 copy'],
      ['the chapters are left out: MPEG-TS cannot hold them'],
    ],
    ['mkv', '-c:a:1 aac -sn -map 0 -map -0:t', ['0 segments', '1 copy', '2 encode'], []],
    ['mkv', '-c:a aac -c:a:0 copy -map 0 -map -0:s -map -0:t', ['0 segments', '1 copy', '2 encode'], []],
  ])('%s with "%s"', async (extension, params, streams, warnings) => {
    expect(await plan(manyTracks, extension, `-c:v libx264 -preset ultrafast ${params}`)).toEqual({
      streams,
      warnings,
    })
  })

  test('webm: what it cannot hold is converted where it can be', async () => {
    const { streams, warnings } = await plan(
      manyTracks,
      'webm',
      '-c:v libvpx-vp9 -cpu-used 8 -deadline realtime',
    )
    expect(streams).toEqual(['0 segments', '1 encode', '2 copy', '3 encode webvtt'])
    expect(warnings).toEqual([
      'audio stream 1 (aac, eng) is converted: WebM cannot hold it as it is',
      'subtitle stream 3 (subrip, fra) is converted to webvtt: WebM cannot hold it as it is',
      'attachment stream 4 (ttf) is left out: WebM cannot hold it',
    ])
  })

  test('texts whose ends a fragmented mp4 would lose are refused, with the remedy', async () => {
    const fragmented = '-c:v libx264 -preset ultrafast -movflags +frag_keyframe+empty_moov+delay_moov'
    await expect(plan(manyTracks, 'mp4', fragmented)).rejects.toThrow('-sn')
    const { streams } = await plan(manyTracks, 'mp4', `${fragmented} -sn`)
    expect(streams).toEqual(['0 segments', '1 copy', '2 copy'])
  })

  test('fragments whose tracks all begin at zero are warned of', async () => {
    const { warnings } = await plan(twoVideos, 'mp4', '-c:v libx264 -preset ultrafast -movflags +cmaf')
    expect(warnings.some((warning) => warning.includes('-movflags'))).toBe(false)
    const withSound = await plan(manyTracks, 'mp4', '-c:v libx264 -preset ultrafast -sn -movflags +cmaf')
    expect(withSound.warnings.some((warning) => warning.includes('-movflags'))).toBe(true)
  })

  test('only the first video is encoded', async () => {
    const { streams, warnings } = await plan(twoVideos, 'mkv', '-c:v libx264 -preset ultrafast')
    expect(streams[0]).toBe('0 segments')
    expect(warnings[0]).toBe('video stream 1 (h264) is left out: only the first video is encoded')
  })
})
