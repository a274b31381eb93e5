/** What a job's journal holds. */
import { z } from 'zod'

const count = z.int().min(0)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const path = z.string().min(1).max(4096)

/** What the job was asked for, so that it can go on without being asked again. */
const request = z.object({
  inputPath: path,
  outputPath: path,
  params: z.string().optional(),
  mixedBuilds: z.boolean().optional(),
  overwrite: z.boolean(),
  peers: count.optional(),
  waitSeconds: z.number().positive(),
  benchmarkSeconds: z.number().positive().optional(),
  segmentSeconds: z.number().positive().optional(),
  isPull: z.boolean().optional(),
  atKeyframes: z.boolean(),
  local: z.enum(['auto', 'always', 'never']),
  verify: z.enum(['times', 'full']),
  reportPath: path.optional(),
})

/** By which a file is known again: what it was called does not matter, what it held does. */
const source = z.object({ sizeBytes: count, modifiedMs: z.number(), fingerprint: sha256 })

export type SourceMark = z.output<typeof source>

/** The first record. */
const begun = z.object({
  type: z.literal('job'),
  version: z.literal(1),
  request,
  source,
  /** The id under which peers read the source: the same after a restart, so that they just read on. */
  blob: z.string().regex(/^[0-9a-f]{32}$/),
  /** Milliseconds since 1970. */
  at: z.number(),
})

/** What each version's first record has. */
export const versioned = z.looseObject({ type: z.literal('job'), version: z.int() })

/** How much there is to do. */
const film = z.object({ type: z.literal('film'), frames: count })

/** A file that is to be removed if it is still there. */
const partial = z.object({ type: z.literal('partial'), path })

const file = z.object({ device: z.number(), inode: z.number(), sizeBytes: count, modifiedMs: z.number() })

export type FileMark = z.output<typeof file>

/** The output is verified, and about to get its name. */
const finished = z.object({ type: z.literal('finished'), file })

/** Which part of the film it is, and how it is made. */
const piece = {
  /** Digest of all that decides what a segment is but its place in the film. */
  recipe: sha256,
  index: count,
  first: count,
  frames: z.int().min(1),
}

/** A piece of the film that was given to a peer, which may have it in hand still. */
const given = z.object({
  type: z.literal('given'),
  ...piece,
  peer: z.string().max(128),
})

export type GivenRecord = z.output<typeof given>

/** A segment that was verified and lies in the job's directory. */
const segment = z.object({
  type: z.literal('segment'),
  ...piece,
  ptsDigest: sha256,
  file: z.string().regex(/^[\w.-]{1,128}$/),
  sizeBytes: count,
  sha256,
  encodeSeconds: z.number().min(0),
  cpuSeconds: z.number().min(0),
  seekIndex: count,
  complaints: count,
  attempt: z.int().min(1),
  peer: z.string().max(128),
  name: z.string().max(256),
  isLocal: z.boolean(),
  software: z.string().max(256),
  ffmpeg: z.string().max(256),
})

export type SegmentRecord = z.output<typeof segment>
export type BegunRecord = z.output<typeof begun>

export const journalRecord = z.discriminatedUnion('type', [begun, film, partial, finished, given, segment])
export type JournalRecord = z.output<typeof journalRecord>
