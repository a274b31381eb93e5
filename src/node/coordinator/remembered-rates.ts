/** How fast peers were at the same work before: a file of this user's, so that the next job starts with what this one has learned. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { videoArguments } from '../../media/index.ts'
import { writeWhole } from '../write-whole.ts'
import type { Job } from './job.ts'

/** The least recently used are forgotten: of jobs, and of peers in one. */
const KINDS_MAX = 64
const PEERS_MAX = 256
/** Machines change: what is older says nothing. */
const DAYS_MAX = 30
const DAY_MS = 86_400_000

const rate = z.object({
  peer: z.string().max(128),
  /** Of one slot. */
  framesPerSecond: z.number().positive().max(1e6),
})
const shape = z.object({
  kinds: z
    .array(z.object({ kind: z.string().max(64), at: z.number(), rates: z.array(rate).max(PEERS_MAX) }))
    .max(KINDS_MAX),
})
type Remembered = z.output<typeof shape>

/** What rates depend on: the encoder, its params, and the size of the pictures that it is given. */
export function kindOfWork({ params, source: { video } }: Pick<Job, 'params' | 'source'>): string {
  const words = [...videoArguments(params), `${video.width}x${video.height}`, video.codec]
  return createHash('sha256').update(JSON.stringify(words)).digest('hex').slice(0, 32)
}

/** @param now milliseconds since 1970 */
export async function readRates(
  dataDir: string,
  kind: string,
  now: number,
): Promise<ReadonlyMap<string, number>> {
  const { kinds } = await read(dataDir)
  const known = kinds.find((one) => one.kind === kind && now - one.at < DAYS_MAX * DAY_MS)
  return new Map(known?.rates.map(({ peer, framesPerSecond }) => [peer, framesPerSecond]))
}

/** Of several jobs that end at the same time the last one's are kept: nothing else is lost by it. */
export async function rememberRates(
  dataDir: string,
  kind: string,
  rates: ReadonlyMap<string, number>,
  now: number,
): Promise<void> {
  if (rates.size === 0) return
  const { kinds } = await read(dataDir)
  const before = kinds.find((one) => one.kind === kind)?.rates ?? []
  const others = before.filter(({ peer }) => !rates.has(peer))
  const latest = [...rates].map(([peer, framesPerSecond]) => ({ peer, framesPerSecond }))
  const own = { kind, at: now, rates: [...latest, ...others].slice(0, PEERS_MAX) }
  const kept = [own, ...kinds.filter((one) => one.kind !== kind)].slice(0, KINDS_MAX)
  await writeWhole(pathIn(dataDir), JSON.stringify({ kinds: kept }))
}

/** What cannot be read is as good as nothing: jobs measure anyhow. */
async function read(dataDir: string): Promise<Remembered> {
  try {
    return shape.parse(JSON.parse(await readFile(pathIn(dataDir), 'utf8')))
  } catch {
    return { kinds: [] }
  }
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'rates.json')
}
