/** Streams that the user chooses, names and marks. */
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { type Clip, clipIn, coverArt, interlacedMpeg2, manyTracks } from '../../helpers/clips.ts'
import { expectSameFile, useDirectory } from '../../helpers/exactness.ts'
import { slug } from '../../helpers/slug.ts'

const directory = useDirectory()

const X264 = '-c:v libx264 -preset ultrafast -threads 1'

const CASES: readonly { clip: Clip; params: string; container: string }[] = [
  { clip: manyTracks, params: '-map 0:v -map 0:a:1 -map 0:s', container: 'mkv' },
  {
    clip: manyTracks,
    params: '-map 0:a:1 -map 0:v -map 0:a:0 -disposition:a:0 default -disposition:a:1 0',
    container: 'mkv',
  },
  {
    clip: manyTracks,
    params: '-map 0 -map -0:s -map -0:t -map_metadata -1 -map_chapters -1',
    container: 'mkv',
  },
  { clip: manyTracks, params: '-map 0 -map -0:t -map_metadata:g -1', container: 'mkv' },
  { clip: manyTracks, params: '-map 0 -map -0:t -map_metadata -1 -map_metadata 0', container: 'mkv' },
  { clip: manyTracks, params: '-an -metadata title=Other -metadata:s:v language=swe', container: 'mkv' },
  { clip: manyTracks, params: '-sn -c:a:0 libopus -b:a:0 64k -disposition:a:1 forced', container: 'mkv' },
  { clip: manyTracks, params: '-map 0:v -map 0:a:0 -map 0:a:0 -c:a:1 aac -b:a:1 48k', container: 'mkv' },
  { clip: coverArt, params: '-map 0:V -map 0:a', container: 'mp4' },
  { clip: coverArt, params: '-c copy -c:v:0 libx264 -movflags +faststart', container: 'mp4' },
  // Matroska has no name for PNG: its muxer moves the film by decode times then.
  { clip: coverArt, params: '-bf 3', container: 'mkv' },
  { clip: coverArt, params: '-ss 1', container: 'mp4' },
  {
    clip: coverArt,
    params: '-vf scale=96:-2 -movflags +frag_keyframe+empty_moov+delay_moov',
    container: 'mp4',
  },
  { clip: interlacedMpeg2, params: '-an', container: 'mp4' },
  { clip: interlacedMpeg2, params: '-map 0:v -map 0:a -c:a aac', container: 'mkv' },
]

describe('the output has the chosen streams as a single run writes them', () => {
  test.each(CASES)('$clip.name: $params', async ({ clip, params, container }) => {
    const source = await clipIn(directory(), clip)
    const place = join(directory(), slug(`${clip.name}-${params}`))
    const { grid, roughAudioSeconds } = clip
    const check = { grid, roughAudioSeconds, params: `${X264} ${params}`, containers: [container] }
    await expectSameFile(source, check, place)
  })
})
