/** `-ss`, `-t` and `-to`: a part of the film, of all its streams. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MediaError } from '../../../src/media/index.ts'
import {
  bPyramid,
  type Clip,
  clipIn,
  coarseAvi,
  interlacedMpeg2,
  MATROSKA_TICK,
  manyTracks,
  ntscFilmMkv,
  twoVideos,
  variableRateMp4,
} from '../../helpers/clips.ts'
import { expectSameFile, useDirectory } from '../../helpers/exactness.ts'
import { encodeSegments } from '../../helpers/segments.ts'
import { slug } from '../../helpers/slug.ts'

const directory = useDirectory()

// With pictures out of order, whose decode times lie before the part's start.
const X264 = '-c:v libx264 -preset ultrafast -threads 1 -bf 3'

interface Case {
  clip: Clip
  params: string
  grid?: string
  containers: readonly string[]
  isRough?: boolean
}

const CASES: readonly Case[] = [
  { clip: bPyramid, params: '-ss 1.13 -t 2.5', containers: ['mp4', 'mkv'] },
  { clip: bPyramid, params: '-t 00:00:03.02', containers: ['mp4', 'mkv'] },
  { clip: bPyramid, params: '-ss 500ms -to 4.2 -vf fps=30', grid: '1/30', containers: ['mp4', 'mkv'] },
  { clip: bPyramid, params: '-ss 1.5 -c:a aac -b:a 64k', containers: ['mp4', 'mkv'] },
  { clip: ntscFilmMkv, params: '-ss 1.001 -t 2', containers: ['mp4', 'mkv'] },
  { clip: variableRateMp4, params: '-ss 0.777 -to 4', containers: ['mp4', 'mkv'] },
  // Beside the ticks of Matroska, FFmpeg 5.1 rounds copied audio as its packets happen to come.
  { clip: ntscFilmMkv, params: '-ss 1.0005 -t 2', containers: ['mp4', 'mkv'], isRough: true },
  { clip: variableRateMp4, params: '-ss 0.777777 -to 4', containers: ['mp4'] },
  { clip: interlacedMpeg2, params: '-ss 1.3 -t 2 -vf bwdif', grid: '1/50', containers: ['mp4', 'mkv'] },
  { clip: manyTracks, params: '-ss 1 -t 2', containers: ['mkv'] },
  // The sound's first packet comes before the first picture, then behind it: FFmpeg 5.1 takes `-ss` off otherwise.
  { clip: coarseAvi, params: '-ss 0.5', containers: ['mp4', 'mkv'] },
  { clip: coarseAvi, params: '-ss 0.7 -t 2', containers: ['mov', 'ts'] },
  { clip: coarseAvi, params: '-ss 0.52', containers: ['mp4', 'mkv'] },
  // Half way between two frames, from where whole milliseconds would round either way.
  { clip: ntscFilmMkv, params: '-ss 1.0219', grid: '1/1000', containers: ['mp4', 'mkv'] },
  // Its text begins at 0.5 s, and the next behind the part; in mp4 both are made anew.
  { clip: manyTracks, params: '-ss 0.4 -t 1.2 -map 0:v -map 0:a -map 0:s', containers: ['mp4'] },
  // The video is brought into the output's ticks before the join.
  {
    clip: bPyramid,
    params: '-ss 1.234 -t 2 -c:v libsvtav1 -preset 12',
    containers: ['mkv'],
    isRough: true,
  },
  // Its data has one packet, which lies before the part: no track of it.
  { clip: twoVideos, params: '-ss 1 -t 2', containers: ['mp4'] },
  { clip: manyTracks, params: '-ss 1 -t 2 -map_chapters -1 -map_chapters 0', containers: ['mkv'] },
  // FFmpeg trims sound behind the filters, which see all of it, and behind its own resampler.
  ...[
    ...['-c:a libopus', '-c:a ac3 -ar 32000', '-af areverse', '-af atempo=1.25'],
    '-af aresample=8000,lowpass=2000 -c:a libmp3lame',
  ].map((sound) => ({ clip: bPyramid, params: `-ss 1.13 -t 2.5 ${sound}`, containers: ['mkv'] })),
  { clip: bPyramid, params: '-ss 1.13 -t 2.5 -af areverse -c:a aac -ar 32000', containers: ['mp4'] },
  {
    clip: manyTracks,
    params: '-ss 1 -t 2 -c:a:0 copy -c:a:1 ac3 -ar:a:1 32000 -filter:a:1 areverse',
    containers: ['mkv'],
  },
]

describe('a part of the film is the part that a single run takes', () => {
  test.each(CASES)('$clip.name: $params', async ({ clip, params, grid, containers, isRough }) => {
    const source = await clipIn(directory(), clip)
    await expectSameFile(
      source,
      {
        ...{ grid: grid ?? clip.grid, params: `${X264} ${params}`, containers },
        ...{ roughAudioSeconds: isRough ? MATROSKA_TICK : clip.roughAudioSeconds },
      },
      join(directory(), slug(`${clip.name}-${params}`)),
    )
  })
})

test('a part behind the end is refused', async () => {
  const source = await clipIn(directory(), bPyramid)
  const encoding = encodeSegments(
    source,
    `${X264} -ss 60`,
    { lengths: [10], atKeyframes: false },
    directory(),
  )
  await expect(encoding).rejects.toSatisfy(
    (error) => error instanceof MediaError && error.code === 'PARAMS_INVALID',
  )
})
