/** An output that is not what it must be, and which segment, of which node, it is not. */
import { describeFinding, type Finding, toSeconds } from '../../media/index.ts'
import type { Job } from './job.ts'
import type { VerifiedSegment } from './verify-segment.ts'

/** The segment that a finding is about. */
export interface BlamedSegment {
  readonly index: number
  /** From the film's first frame. */
  readonly startSeconds: number
  readonly endSeconds: number
  /** PeerId of the node that encoded it. */
  readonly peer: string
  readonly name: string
}

export type BlamedFinding = Finding & { readonly segment?: BlamedSegment }

export class OutputError extends Error {
  override readonly name = 'OutputError'
  /** That of the first finding. */
  readonly code: Finding['code']
  readonly findings: readonly [BlamedFinding, ...BlamedFinding[]]

  constructor(findings: readonly [BlamedFinding, ...BlamedFinding[]]) {
    const [first, ...more] = findings
    const others = more.length === 0 ? '' : ` (and ${more.length} more)`
    super(`the joined file is not as it must be: ${describeBlamed(first)}${others}`)
    this.code = first.code
    this.findings = findings
  }
}

export function describeBlamed(finding: BlamedFinding): string {
  const { segment } = finding
  const text = describeFinding(finding)
  if (segment === undefined) return text
  const { index, startSeconds, endSeconds, name, peer } = segment
  return `${text}: segment ${index} (${startSeconds.toFixed(1)} to ${endSeconds.toFixed(1)} s), encoded by ${name} (…${peer.slice(-8)})`
}

/** Names the segment of each finding that is about a frame: segments hold the output's frames in their order. */
export function blame(
  findings: readonly Finding[],
  segments: readonly VerifiedSegment[],
  job: Pick<Job, 'film'>,
): BlamedFinding[] {
  return findings.map((finding) => {
    if (!('at' in finding)) return finding
    let end = 0
    const found = segments.find(({ task }) => {
      end += task.frames
      return finding.at < end
    })
    const segment = found ?? segments.at(-1)
    return segment === undefined ? finding : { ...finding, segment: toBlamed(segment, job) }
  })
}

export function toBlamed(
  { task, executor }: VerifiedSegment,
  { film: { pts, timing } }: Pick<Job, 'film'>,
): BlamedSegment {
  const zero = pts[0] ?? 0n
  return {
    index: task.index,
    startSeconds: toSeconds(task.firstPts - zero, timing.source),
    endSeconds: toSeconds(task.lastPts - zero, timing.source),
    peer: executor.peer,
    name: executor.name,
  }
}
