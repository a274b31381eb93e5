/** What a video says of itself beside its pictures reaches the output as in a single run, or is named as lost beforehand. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readPictureTraits } from '../../../src/media/index.ts'
import {
  bottomFieldFirst,
  type Clip,
  captions,
  clipIn,
  containerShape,
  coverArt,
  fullRange,
  hdr10,
  hlg,
  stereo,
  timecode,
  turnedClips,
  twoVideos,
  whyNotMade,
} from '../../helpers/clips.ts'
import { expectSameFile, useDirectory } from '../../helpers/exactness.ts'
import { frameTraits, tools } from '../../helpers/ffmpeg.ts'
import { preparedJob } from '../../helpers/segments.ts'
import { slug } from '../../helpers/slug.ts'

const directory = useDirectory()

const X264 = '-c:v libx264 -preset ultrafast -threads 1'
const X265 = '-c:v libx265 -preset ultrafast -x265-params log-level=error'
const DISPLAY = 'master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)'
const HDR10 = `${X265}:hdr10=1:${DISPLAY}:max-cll=1000,400`
const SVT = '-c:v libsvtav1 -preset 12'
const SVT_HDR10 = `${SVT} -svtav1-params mastering-display=G(0.265,0.69)B(0.15,0.06)R(0.68,0.32)WP(0.3127,0.329)L(1000,0.0001):content-light=1000,400`

/** Matroska holds a turn and no mirror: one of each, for the others are in the long matrix. */
const IN_MATROSKA = /by 90 degrees|^mirrored/

const CASES: readonly { clip: Clip; params: string; containers: readonly string[] }[] = [
  { clip: hdr10, params: X265, containers: ['mp4', 'mkv'] },
  { clip: hdr10, params: HDR10, containers: ['mp4', 'mov', 'mkv'] },
  { clip: hdr10, params: SVT, containers: ['mp4', 'mkv'] },
  { clip: hdr10, params: SVT_HDR10, containers: ['mp4', 'mkv'] },
  { clip: hlg, params: X265, containers: ['mp4', 'mkv'] },
  { clip: fullRange, params: X264, containers: ['mp4', 'mov', 'mkv'] },
  { clip: bottomFieldFirst, params: `${X264} -flags +ilme+ildct`, containers: ['mp4', 'mov', 'mkv'] },
  { clip: containerShape, params: X264, containers: ['mp4', 'mov', 'mkv'] },
  ...turnedClips.map((clip) => ({
    clip,
    params: X264,
    containers: IN_MATROSKA.test(clip.name) ? ['mp4', 'mkv'] : ['mp4'],
  })),
  { clip: timecode, params: X264, containers: ['mp4', 'mov', 'mkv'] },
  { clip: coverArt, params: X264, containers: ['m4v'] },
  { clip: captions, params: X264, containers: ['mp4', 'mkv'] },
  { clip: stereo, params: X265, containers: ['mp4', 'mkv'] },
  { clip: stereo, params: `${X265} -strict unofficial`, containers: ['mp4'] },
]

describe('is said as in a single run', () => {
  test.each(CASES)('$clip.name: $params', async ({ clip, params, containers }) => {
    const reason = await whyNotMade(clip)
    if (reason !== undefined) return
    const place = join(directory(), slug(`${clip.name}-${params}`))
    await expectSameFile(await clipIn(directory(), clip), { grid: clip.grid, params, containers }, place)
    for (const container of containers) {
      const [said, wanted] = await Promise.all([
        frameTraits(join(place, `joined.${container}`)),
        frameTraits(join(place, `reference.${container}`)),
      ])
      expect(said).toEqual(wanted)
    }
  })
})

describe('is named as lost before the work', () => {
  test('nothing, where nothing is', async () => {
    expect(await losses(fullRange, X264, 'out.mkv')).toEqual([])
    expect(await losses(captions, X264, 'out.mkv')).toEqual([])
    expect(await losses(timecode, X264, 'out.mp4')).toEqual([])
    expect(await losses(timecode, X264, 'out.mkv')).toEqual([])
    expect(await losses(stereo, X264, 'out.mkv')).toEqual([])
  })

  test('captions that the encoder does not write', async () => {
    expect(await losses(captions, SVT, 'out.mkv')).toEqual([expect.stringContaining('closed captions')])
  })

  test('HDR10 metadata, with an option that keeps it', async () => {
    for (const [params, option] of [
      [X265, '-x265-params'],
      [SVT, '-svtav1-params'],
    ] as const) {
      const [loss, ...more] = await losses(hdr10, params, 'out.mkv')
      expect(more).toEqual([])
      // FFmpeg 7 tells these encoders by itself.
      if (loss === undefined) continue
      const [, settings = ''] = loss.split(`add to ${option} `)
      const remedied = params.includes(option) ? `${params}:${settings}` : `${params} ${option} ${settings}`
      expect(await losses(hdr10, remedied, 'out.mkv')).toEqual([])
      const place = join(directory(), `remedy${option}`)
      const source = await clipIn(directory(), hdr10)
      await expectSameFile(source, { grid: hdr10.grid, params: remedied, containers: ['mkv'] }, place)
      const video = { path: join(place, 'joined.mkv'), format: 'matroska', stream: 0 }
      const kept = await readPictureTraits(tools.ffprobe, video)
      expect([...(kept?.sideData.keys() ?? [])]).toEqual(
        expect.arrayContaining(['Mastering display metadata', 'Content light level metadata']),
      )
    }
  })

  test('the depth of HDR', async () => {
    expect(await losses(hlg, `${X264} -pix_fmt yuv420p`, 'out.mkv')).toEqual([
      expect.stringContaining('-pix_fmt yuv420p10le'),
    ])
    expect(await losses(hlg, X265, 'out.mkv')).toEqual([])
  })

  test('stereo where the container does not hold it, unless it is asked to', async () => {
    expect(await losses(stereo, X265, 'out.mp4')).toEqual([expect.stringContaining('-strict unofficial')])
    expect(await losses(stereo, `${X265} -strict unofficial`, 'out.mp4')).toEqual([])
  })

  test('further videos and data', async () => {
    const named = await losses(twoVideos, X264, 'out.mkv')
    expect(named).toEqual([
      expect.stringMatching(/^video stream 1 .*only the first video/),
      expect.stringMatching(/^data stream 2 .*Matroska cannot hold it/),
    ])
  })
})

async function losses(clip: Clip, params: string, outputPath: string): Promise<readonly string[]> {
  const inputPath = await clipIn(directory(), clip)
  const job = await preparedJob({ inputPath, outputPath, params }, directory())
  const [named] = await Promise.all([job.losses, job.streamTags])
  return named
}
