/**
 * Whether what ffmpeg complained about while it decoded a segment has anything to do with the segment: most of it is
 * about leading pictures that a seek left without their references, and that are cut off.
 */
import { MediaError } from '../failure.ts'
import type { Tool } from '../ffmpeg/index.ts'
import { MICROSECONDS, rescale } from '../rational.ts'
import type { SegmentFiles } from './arguments.ts'
import { decodePictures } from './pictures.ts'
import type { SegmentTask } from './task.ts'

/**
 * `harmless`: the pictures are those that a start further back gives; `spoilt`: they are not; `damaged`: the complaint
 * is about the segment itself, and only a decoder that has seen what a single run sees makes of it what that makes.
 */
export type Doubt = 'harmless' | 'spoilt' | 'damaged'

// What a bad start leaves behind shows at once, and is gone behind the next keyframe.
const COMPARED_MICROSECONDS = 10_000_000n

/**
 * @param seekIndex the place that was decoded from, not the last
 * @param complaints how many there were while the segment was encoded
 */
export async function settleDoubt(
  ffmpeg: Tool,
  task: SegmentTask,
  files: SegmentFiles,
  { seekIndex, complaints }: { seekIndex: number; complaints: number },
  options: { signal?: AbortSignal } = {},
): Promise<Doubt> {
  const { startPts } = task
  // Nothing is cut off in front.
  if (startPts === undefined) return 'damaged'
  const decode = (seekPts: bigint | undefined, range: { startPts?: bigint; endPts: bigint }) =>
    decodePictures(
      ffmpeg,
      task,
      files,
      { seekPts, range: { startPts: undefined, ...range } },
      { ...options, background: true },
    )
  const seekPts = task.seekPts[seekIndex]
  try {
    const before = await decode(seekPts, { endPts: startPts })
    if (complaints > before.complaints) return 'damaged'
    const limit = startPts + rescale(COMPARED_MICROSECONDS, MICROSECONDS, task.timeBase)
    const endPts = task.endPts !== undefined && task.endPts < limit ? task.endPts : limit
    const here = await decode(seekPts, { startPts, endPts })
    const further = await decode(task.seekPts[seekIndex + 1], { startPts, endPts })
    return here.digest === further.digest ? 'harmless' : 'spoilt'
  } catch (error) {
    // ffmpeg gives up where it can decode next to nothing.
    if (error instanceof MediaError && error.code === 'TOOL_EXIT') return 'damaged'
    throw error
  }
}
