/** Every family of containers that an ffmpeg reads and writes, as sources: all frames, or refused. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { expectSameFrames, useDirectory } from '../../helpers/exactness.ts'
import { ffmpeg } from '../../helpers/ffmpeg.ts'
import { encodeSegments } from '../../helpers/segments.ts'

const directory = useDirectory()
const CUTS = { lengths: [7, 1, 13, 20], atKeyframes: false }
const TWO_SECONDS = ['-f', 'lavfi', '-i', 'testsrc2=size=96x64:rate=25:duration=2.2']
const X264 = '-c:v libx264 -preset veryfast -g 12 -bf 2 -threads 1'

async function make(name: string, options: string): Promise<string> {
  const path = join(directory(), name)
  await ffmpeg(...TWO_SECONDS, ...options.split(' '), path)
  return path
}

describe('all frames bit for bit, each at its time, come of', () => {
  test.each([
    ['flv', X264, '1/25'],
    ['asf', X264, '1/25'],
    ['wmv', '-c:v wmv2 -g 12', '1/25'],
    ['mxf', '-c:v mpeg2video -g 12 -bf 2', '1/25'],
    ['gif', '-c:v gif', '1/25'],
    ['h264', X264, '1/25'],
    // RGB: its colour space has two names in FFmpeg.
    ['mov', '-c:v qtrle', '1/25'],
    // Times of no meaning, and pictures that a seek gets wrong.
    ['drc', '-c:v vc2 -strict -1 -pix_fmt yuv422p -f dirac', '-1'],
  ])('%s (%s)', async (extension, options, grid) => {
    const source = await make(`source.${extension}`, options)
    await expectSameFrames(source, grid, CUTS, join(directory(), extension))
  })
})

test('a source whose frames share a time is refused', async () => {
  const source = await make('b-frames.mxf', X264)
  const encoding = encodeSegments(source, X264, CUTS, join(directory(), 'shared'))
  await expect(encoding).rejects.toMatchObject({ failure: { code: 'INPUT_TIMES_REPEAT' } })
})
