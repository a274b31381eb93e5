/** Which of the segments that lie there can stand beside one another. */
import type { SegmentRecord } from './records.ts'

/** A slow node's segment and the parts of it that others made may both be there: of those that share frames the longest are kept. */
export function withoutOverlaps(segments: readonly SegmentRecord[]): SegmentRecord[] {
  const kept: SegmentRecord[] = []
  for (const segment of [...segments].sort((a, b) => b.frames - a.frames)) {
    const end = segment.first + segment.frames
    const overlaps = kept.some(({ first, frames }) => first < end && segment.first < first + frames)
    if (!overlaps) kept.push(segment)
  }
  return kept.sort((a, b) => a.first - b.first)
}
