/** How it is found out where a segment's decoding may start. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { encodeSegment, fileUrl } from '../../src/media/index.ts'
import { Complaints } from '../../src/media/segment/complaints.ts'
import { filmPlan, prepareJob, segmentTask } from '../../src/node/coordinator/job.ts'
import { SegmentPlan } from '../../src/node/coordinator/plan.ts'
import { checkStarts } from '../../src/node/coordinator/starts.ts'
import { type Clip, clipIn, whyNotMade } from '../helpers/clips.ts'
import { brokenTs, coloursKept, oldX264, openGopTs } from '../helpers/clips-decoders.ts'
import { useDirectory } from '../helpers/exactness.ts'
import { tools } from '../helpers/ffmpeg.ts'

const directory = useDirectory()

async function jobOf(clip: Clip) {
  const inputPath = await clipIn(directory(), clip)
  const options = { signal: new AbortController().signal, scratchDir: directory() }
  return await prepareJob({ tools }, { inputPath, outputPath: 'out.mkv', params: '-c:v ffv1' }, options)
}

/** Encodes the segments one after the other and says which place each was decoded from: its number, or `start`. */
async function placesOf(clip: Clip, lengths: readonly number[]): Promise<(number | 'start')[]> {
  const job = await jobOf(clip)
  const plan = new SegmentPlan(filmPlan(job), { atKeyframes: false })
  const places: (number | 'start')[] = []
  const end = plan.totalFrames
  let first = 0
  for (const length of lengths) {
    if (first === end) break
    const task = plan.carve({ first, end }, length)
    first += task.frames
    const { seekIndex } = await encodeSegment(tools, segmentTask(job, task), {
      inputUrl: fileUrl(job.source.path),
      outputPath: join(directory(), `place.${job.container}`),
    })
    places.push(task.seekPts[seekIndex] === undefined ? 'start' : seekIndex)
  }
  return places
}

describe.skipIf((await whyNotMade(oldX264)) !== undefined)('H.264 of an old x264', () => {
  test('has its build read, and keyframes to start from', async () => {
    const job = await jobOf(oldX264)
    expect(job.x264Build).toBe(148)
    expect(job.index.seekable).toBe(true)
    expect(await checkStarts(tools.ffmpeg, job)).toBe(true)
  })
})

describe.skipIf((await whyNotMade(coloursKept)) !== undefined)(
  'a decoder that keeps what it should not',
  () => {
    test('is found out by a look at some pictures', async () => {
      expect(await checkStarts(tools.ffmpeg, await jobOf(coloursKept))).toBe(false)
    })
  },
)

describe.skipIf((await whyNotMade(openGopTs)) !== undefined)('complaints about leading pictures', () => {
  test('cost no start further back', async () => {
    expect(await placesOf(openGopTs, [50, 25, 30])).toEqual(['start', 0, 0])
  })
})

describe.skipIf((await whyNotMade(brokenTs)) !== undefined)('broken bytes', () => {
  test('send the segment that holds them to the start, and no other', async () => {
    // They hit about the 44th and the 48th frame. The first segment has nothing but the start.
    expect(await placesOf(brokenTs, [36, 30, 10, 25])).toEqual(['start', 'start', 0, 0])
  })
})

describe('complaints', () => {
  const count = (lines: readonly string[], video: readonly string[] = []) => {
    const complaints = new Complaints(video)
    for (const line of lines) complaints.read(line)
    return complaints.count
  }

  test('are those of decoder, parser and demuxer, as often as they were made', () => {
    expect(
      count([
        '[h264 @ 0x55d0c8003500] mmco: unref short failure',
        '    Last message repeated 3 times',
        '[NULL @ 0x55d0c8003500] illegal reordering_of_pic_nums_idc 5',
        '[vist#0:0/h264 @ 0x1] [dec:h264 @ 0x2] Error submitting packet to decoder: Invalid data',
        'Error while decoding stream #0:0: Invalid data found when processing input',
        '[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55d0c8003500] stream 0, offset 0xdc68: partial file',
        '[matroska,webm @ 0x55d0c8003500] File ended prematurely',
      ]),
    ).toBe(9)
  })

  test('are not what the encoder or a muxer says', () => {
    expect(
      count(
        [
          '[libx264 @ 0x55d0c8003500] broken ffmpeg default settings detected',
          '    Last message repeated 3 times',
          '[mp4 @ 0x55d0c8003500] Timestamps are unset',
          'x265 [warning]: Source height < 720p',
          'Svt[info]: -------------------------------------------',
          '',
        ],
        ['-c:v', 'libx264', '-preset', 'fast'],
      ),
    ).toBe(0)
  })
})
