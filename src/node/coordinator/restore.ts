/** Segments that a process before this one verified: they count again when they are what they were. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { digestFile } from '../../media/index.ts'
import type { SwarmNode } from '../node.ts'
import { decodedFrom, segmentEvent } from './attempt.ts'
import type { Build } from './builds.ts'
import type { Executor } from './executor.ts'
import type { Job } from './job.ts'
import type { SegmentPlan, Task } from './plan.ts'
import { withoutOverlaps } from './store/choose.ts'
import type { SegmentRecord, StoredJob } from './store/index.ts'
import { recipeOf } from './store/recipe.ts'
import { type VerifiedSegment, verifySegment } from './verify-segment.ts'

interface Options {
  signal: AbortSignal
  /** How many are looked at at once. */
  atOnce: number
}

/**
 * What of the film is with peers that a process before this one gave it to; they are asked for it first.
 *
 * @param restored what is there
 */
export function piecesInHand(
  job: Job,
  plan: SegmentPlan,
  { given, source }: Pick<StoredJob, 'given' | 'source'>,
  restored: readonly VerifiedSegment[],
): { task: Task; peer: string }[] {
  const recipe = recipeOf(job, source)
  const usable = given.filter((record) => record.recipe === recipe)
  const pieces = withoutOverlaps(
    usable,
    restored.map(({ task }) => task),
  )
  return pieces.flatMap((record) => {
    const task = plan.restore(record)
    return task === undefined ? [] : [{ task, peer: record.peer }]
  })
}

/**
 * Reads each of them again, its bytes and its frames; those that are damaged are removed, and whatever else lies there.
 *
 * @param wantedBuild as of {@link verifySegment}
 */
export async function restoreSegments(
  node: Pick<SwarmNode, 'tools'>,
  job: Job,
  plan: SegmentPlan,
  stored: StoredJob,
  wantedBuild: (made: Build) => Build,
  { signal, atOnce }: Options,
): Promise<VerifiedSegment[]> {
  const recipe = recipeOf(job, stored.source)
  const files = new Set(await readdir(stored.directory))
  const usable = stored.segments.filter((segment) => segment.recipe === recipe && files.has(segment.file))
  const waiting = withoutOverlaps(usable).flatMap((record) => {
    const task = plan.restore(record)
    return task?.expected.ptsDigest === record.ptsDigest ? [{ record, task }] : []
  })
  const restored: VerifiedSegment[] = []
  const take = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      signal.throwIfAborted()
      const segment = await restoreOne(next.record, next.task)
      if (segment !== undefined) restored.push(segment)
    }
  }
  // The first decides about the build where nothing has.
  const first = waiting.shift()
  const segment = first === undefined ? undefined : await restoreOne(first.record, first.task)
  if (segment !== undefined) restored.push(segment)
  await Promise.all(Array.from({ length: atOnce }, take))
  // A job that finds out about its source begins anew, by another recipe: what was made by that the process before has left.
  const ofOthers = stored.earlier
    .filter((record) => record.recipe !== recipe)
    .map(({ file }) => join(stored.directory, file))
  await removeOthers(stored.directory, new Set([...restored.map(({ path }) => path), ...ofOthers]))
  return restored

  async function restoreOne(record: SegmentRecord, task: Task): Promise<VerifiedSegment | undefined> {
    const path = join(stored.directory, record.file)
    try {
      if ((await stat(path)).size !== record.sizeBytes) return undefined
      const { sha256 } = await digestFile(path, { signal })
      if (sha256 !== record.sha256) return undefined
      const { sizeBytes, encodeSeconds, cpuSeconds, seekIndex, complaints } = record
      const encoded = {
        ...{ sizeBytes, sha256, encodeSeconds, cpuSeconds, seekIndex, complaints, inspected: undefined },
        accept: async () => {},
        refuse: async () => {},
      }
      const inspected = await verifySegment(node.tools.ffprobe, job, { task, path, encoded }, wantedBuild, {
        signal,
      })
      const executor = executorOf(record)
      const assignment = { peer: record.peer, task, number: record.attempt }
      const event = segmentEvent(job, { executor, assignment }, 'verified', {
        ...{ bytes: sizeBytes, encodeSeconds, decodedFrom: decodedFrom(task, seekIndex) },
      })
      return { task, path, executor, encoded, inspected, event }
    } catch {
      // Whatever is wrong with it, it is encoded once more.
      signal.throwIfAborted()
      return undefined
    }
  }
}

/** Who made it; it is not asked again. */
function executorOf({ peer, name, isLocal, software, ffmpeg }: SegmentRecord): Executor {
  return {
    ...{ peer, name, isLocal, software, ffmpeg },
    encode: async () => await Promise.reject(new Error('it was there before')),
  }
}

async function removeOthers(directory: string, kept: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    if (!kept.has(path)) await rm(path, { recursive: true, force: true }).catch(() => {})
  }
}
