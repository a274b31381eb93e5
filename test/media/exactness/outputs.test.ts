/** The containers that a job can write, against a single run into the same. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  bPyramid,
  type Clip,
  clipIn,
  interlacedMpeg2,
  lateVideoTs,
  manyTracks,
  ntscFilmMkv,
  variableRateMp4,
  whyNotMade,
} from '../../helpers/clips.ts'
import { expectSameFile, useDirectory } from '../../helpers/exactness.ts'
import { decodedFrames, ffprobe } from '../../helpers/ffmpeg.ts'
import { encodeSegments, joinTo } from '../../helpers/segments.ts'
import { slug } from '../../helpers/slug.ts'

const X264 = '-c:v libx264 -preset ultrafast -threads 1 -bf 2'
const X265 = '-c:v libx265 -preset ultrafast -x265-params log-level=error'
const CUTS = { lengths: [41, 26], atKeyframes: false }
const directory = useDirectory()

describe('the file of a single run', () => {
  const checks: readonly (readonly [Clip, string, readonly string[]])[] = [
    [bPyramid, X264, ['ts', 'm2ts', 'm4v']],
    [bPyramid, X265, ['ts']],
    [bPyramid, '-c:v mpeg2video -bf 2', ['ts']],
    [interlacedMpeg2, `${X264} -flags +ilme+ildct`, ['ts']],
    [lateVideoTs, X264, ['ts']],
    [ntscFilmMkv, X265, ['ts']],
    [variableRateMp4, X264, ['ts']],
    [bPyramid, '-c:v prores_ks', ['mov']],
    [bPyramid, `${X264} -movflags +frag_keyframe+empty_moov`, ['mp4']],
  ]
  test.each(checks.map(([clip, params, containers]) => ({ of: clip.name, params, containers, clip })))(
    'comes of $of by $params in $containers',
    async ({ clip, params, containers }) => {
      expect(await whyNotMade(clip)).toBeUndefined()
      const source = await clipIn(directory(), clip)
      const place = join(directory(), slug(`${clip.name}-${params}`))
      await expectSameFile(source, { ...clip, params, containers }, place)
    },
  )
})

describe('MPEG-TS', () => {
  test.each([[X264], ['-c:v mpeg4 -bf 2']])('has the pictures of the segments by %s', async (params) => {
    const source = await clipIn(directory(), bPyramid)
    const place = join(directory(), `pictures${slug(params)}`)
    const encoded = await encodeSegments(source, params, CUTS, place)
    await joinTo(join(place, 'joined.ts'), encoded)
    await joinTo(join(place, 'joined.mkv'), encoded)
    const pictures = async (name: string) =>
      (await decodedFrames(join(place, name))).map((frame) => frame.split(' ')[1])
    expect(await pictures('joined.ts')).toEqual(await pictures('joined.mkv'))
  })

  test('keeps tracks and languages, and names what it loses', async () => {
    const source = await clipIn(directory(), manyTracks)
    const encoded = await encodeSegments(source, X264, CUTS, join(directory(), 'many'))
    const path = join(directory(), 'many.ts')
    const { warnings } = await joinTo(path, encoded)
    expect(warnings.map((warning) => /chapters|subrip|ttf/.exec(warning)?.[0])).toEqual([
      'chapters',
      'subrip',
      'ttf',
    ])
    const streams = await ffprobe(
      ...['-show_entries', 'stream=codec_name:stream_tags=language', '-of', 'csv=p=0', `file:${path}`],
    )
    expect([...new Set(streams.split(/[\r\n]+/).filter(Boolean))]).toEqual(
      expect.arrayContaining(['h264', 'aac,eng', 'opus,deu']),
    )
  })
})

test('-movflags +faststart puts the index before the pictures', async () => {
  const source = await clipIn(directory(), bPyramid)
  const path = join(directory(), 'faststart.mp4')
  const encoded = await encodeSegments(
    source,
    `${X264} -movflags +faststart`,
    CUTS,
    join(directory(), 'fast'),
  )
  await joinTo(path, encoded)
  const bytes = await readFile(path, 'latin1')
  expect(bytes.indexOf('moov')).toBeGreaterThan(0)
  expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'))
})
