/** A piece of a live film as a job with one task: what the swarm's nodes are given is the same as of a file. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type FrameIndex, lowerBound, MediaError, type Piece } from '../../media/index.ts'
import { filmPlan, type Job, prepareJob } from '../coordinator/job.ts'
import { SegmentPlan, type Task } from '../coordinator/plan.ts'
import type { SwarmNode } from '../node.ts'

export interface PieceJob {
  readonly job: Job
  readonly task: Task
}

/** Writes the piece as a movie of its own. @returns its path */
export async function storePiece(directory: string, piece: Piece): Promise<string> {
  const path = join(directory, `piece-${piece.index}.mp4`)
  await writeFile(path, Buffer.concat([piece.header.bytes, ...piece.fragments.map(({ bytes }) => bytes)]))
  return path
}

/** The piece's sound and pictures without what is before and behind them. @returns its path */
export async function storeSound(directory: string, piece: Piece): Promise<string> {
  const path = join(directory, `sound-${piece.index}.mp4`)
  await writeFile(path, Buffer.concat([piece.header.bytes, ...piece.own.map(({ bytes }) => bytes)]))
  return path
}

/**
 * What is the same for all pieces, found out with one of them.
 *
 * @throws MediaError for params that a film without a known end cannot be given, or that ffmpeg does not take
 */
export async function prepareTemplate(
  node: Pick<SwarmNode, 'tools'>,
  { path, params }: { path: string; params: string },
  options: { signal: AbortSignal; scratchDir: string },
): Promise<Job> {
  const job = await prepareJob(node, { inputPath: path, outputPath: 'live.mp4', params }, options)
  refuseForLive(job)
  // Not waited for: these are of the join, which a live film has none of.
  job.losses.catch(() => {})
  return job
}

function refuseForLive({ params: { filters, sync, trim, forcedKeyframes } }: Job): void {
  const refuse = (option: string, detail: string): never => {
    throw new MediaError({ code: 'PARAMS_INVALID', option, detail })
  }
  if (sync !== undefined) refuse('-r', 'a live film keeps the frames and times that it has')
  if (trim.startMicroseconds !== undefined || trim.durationMicroseconds !== undefined) {
    refuse('-ss', 'a live film is not trimmed')
  }
  if (forcedKeyframes !== undefined) {
    refuse(
      '-force_key_frames',
      'a live film has a keyframe at each segment; -hls_time of --stream-params says how often',
    )
  }
  if (filters.times !== 'kept')
    refuse('-vf', 'filters that change the number or the times of frames are not for live films')
  if (filters.history === 'all')
    refuse('-vf', 'filters that depend on all that was before are not for live films')
}

/** @param path of the piece @returns undefined where the piece has none of its frames in it */
export function pieceJob(template: Job, piece: Piece, path: string): PieceJob | undefined {
  const timeBase = { num: 1, den: piece.header.timeScale }
  const index: FrameIndex = {
    ...{ timeBase, pts: piece.heldPts, keyframes: new BigInt64Array(), openGops: [], positions: undefined },
    ...{ evidence: 'packets', seekable: false },
  }
  const timing = { source: timeBase, encoder: timeBase, zeroMicroseconds: 0n, startMicroseconds: 0n }
  const { filtered } = template.film
  const job: Job = {
    ...template,
    source: { ...template.source, path, fd: undefined },
    ...{ index, rest: undefined, zeroMicroseconds: 0n },
    film: { pts: piece.heldPts, untrimmed: piece.heldPts, first: 0, timing, filtered },
  }
  const first = lowerBound(piece.heldPts, piece.startPts)
  const plan = new SegmentPlan(filmPlan(job), { atKeyframes: false })
  const task = plan.restore({ index: piece.index, first, frames: piece.pts.length })
  return task === undefined ? undefined : { job, task }
}
