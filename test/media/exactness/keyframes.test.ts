/** `-force_key_frames`: keyframes where the user wants them, and where segments begin. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bPyramid, type Clip, clipIn, variableRateMp4 } from '../../helpers/clips.ts'
import { useDirectory } from '../../helpers/exactness.ts'
import { ffprobe } from '../../helpers/ffmpeg.ts'
import { encodeSegments, joinTo, singleRun } from '../../helpers/segments.ts'
import { slug } from '../../helpers/slug.ts'

const directory = useDirectory()

const X264 = '-c:v libx264 -preset ultrafast -threads 1 -g 1000 -sc_threshold 0'

const CASES: readonly { clip: Clip; params: string; grid?: string }[] = [
  { clip: bPyramid, params: '-force_key_frames 0.5,0:00:01.52,3.999' },
  { clip: bPyramid, params: '-force_key_frames 1,1,1,4' },
  { clip: bPyramid, params: '-force_key_frames expr:gte(t,n_forced*0.9) -ss 1 -vf fps=30', grid: '1/30' },
  { clip: variableRateMp4, params: '-force_key_frames expr:gte(t,n_forced*1.1)' },
  { clip: variableRateMp4, params: '-force_key_frames source' },
  // In floating point 3 times 1.6 is more than 4.8.
  { clip: bPyramid, params: '-force_key_frames expr:gte(t,n_forced*1.6)' },
]

describe('forced keyframes stand where a single run has them', () => {
  test.each(CASES)('$clip.name: $params', async ({ clip, params, grid }) => {
    const source = await clipIn(directory(), clip)
    const place = join(directory(), slug(`${clip.name}-${params}`))
    const cuts = { lengths: [37], atKeyframes: false }
    const encoded = await encodeSegments(source, `${X264} ${params}`, cuts, place)
    const [joined, reference] = [join(place, 'joined.mp4'), join(place, 'reference.mp4')]
    const plan = await joinTo(joined, encoded)
    await singleRun(source, reference, { plan, params: `${X264} ${params}`, grid: grid ?? clip.grid })
    const [times, wanted] = await Promise.all([keyframes(joined), keyframes(reference)])
    expect(wanted.length).toBeGreaterThan(1)
    expect(times).toEqual(expect.arrayContaining(wanted))
    // A segment begins with a keyframe of its own.
    expect(times.length).toBeLessThanOrEqual(wanted.length + encoded.segments.length - 1)
  })

  test('and segments begin there too', async () => {
    const source = await clipIn(directory(), bPyramid)
    const place = join(directory(), 'aligned')
    const params = `${X264} -force_key_frames expr:gte(t,n_forced*0.8)`
    const encoded = await encodeSegments(source, params, { lengths: [45], atKeyframes: true }, place)
    const joined = join(place, 'joined.mp4')
    await joinTo(joined, encoded)
    expect(encoded.segments.length).toBeGreaterThan(2)
    expect(await keyframes(joined)).toHaveLength(Math.ceil(5 / 0.8))
  })
})

async function keyframes(path: string): Promise<string[]> {
  const text = await ffprobe(
    ...['-select_streams', 'V:0', '-show_entries', 'packet=pts,flags', '-of', 'csv=p=0', path],
  )
  return text.split('\n').flatMap((line) => (line.includes('K') ? [line.split(',')[0] ?? ''] : []))
}
