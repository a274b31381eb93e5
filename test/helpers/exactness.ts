/** What "exact" means, as checks: a file made of segments against what one ffmpeg makes of the same source. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatTimeBase } from '../../src/media/index.ts'
import { type Clip, clipIn, whyNotMade } from './clips.ts'
import { contents, type Description, decodedFrames, ffmpeg, type OtherPacket } from './ffmpeg.ts'
import {
  asksForRate,
  type Cuts,
  type EncodedJob,
  encodeSegments,
  joinTo,
  type SingleRun,
  singleRun,
} from './segments.ts'

/** Between any two frames: single ones, pairs, long ones, none of them near a keyframe. */
export const ANYWHERE: Cuts = {
  // Of a long film some seventy, too.
  lengths: (frames) => {
    const times = Math.ceil(frames / 1500)
    return [1, 37 * times, 2, 53 * times, 18 * times]
  },
  atKeyframes: false,
}
export const AT_KEYFRAMES: Cuts = { lengths: [30], atKeyframes: true }

/** Two cuts, whatever the film's length: what a file says does not depend on how many there are. */
const TWICE: Cuts = {
  lengths: (frames) =>
    frames > 57
      ? [31, 26, Number.MAX_SAFE_INTEGER]
      : [Math.ceil(frames / 3), Math.ceil(frames / 4), Number.MAX_SAFE_INTEGER],
  atKeyframes: false,
}

export const LOSSLESS = '-c:v ffv1'

/** Every pixel of every frame, and its time. */
export async function expectSameFrames(
  source: string,
  grid: string | undefined,
  cuts: Cuts,
  directory: string,
  params = LOSSLESS,
) {
  const encoded = await encodeSegments(source, params, cuts, join(directory, 'segments'))
  expect(encoded.segments.length, 'segments').toBeGreaterThan(1)
  const joined = join(directory, 'joined.mkv')
  const plan = await joinTo(joined, encoded)
  const run = { plan, params, grid: grid ?? gridOf(encoded) }
  const [frames, { frames: wanted, inSource }] = await Promise.all([
    decodedFrames(joined),
    referenceFrames(source, run, directory),
  ])
  expect(frames).toEqual(wanted)
  if (params === LOSSLESS) expect(frames.length, 'frames of the source').toBe(inSource)
}

interface Reference {
  readonly frames: readonly string[]
  readonly inSource: number
}

const references = new Map<string, Promise<Reference>>()

/** One run serves all cuts of a film. */
function referenceFrames(source: string, run: SingleRun, directory: string): Promise<Reference> {
  const key = `${source} ${run.params} ${run.grid}`
  const known = references.get(key)
  if (known !== undefined) return known
  const making = makeReference(source, run, directory)
  references.set(key, making)
  return making
}

async function makeReference(source: string, run: SingleRun, directory: string): Promise<Reference> {
  const path = join(directory, 'reference.mkv')
  await singleRun(source, path, run)
  const [frames, inSource] = await Promise.all([decodedFrames(path), countFrames(source)])
  return { frames, inSource }
}

/** Times of all frames, every packet of the other streams, and all that the file says about itself. */
export async function expectSameFile(
  source: string,
  { grid, params, containers, roughAudioSeconds = 0 }: FileCheck,
  directory: string,
) {
  const encode = async (name: string, outputPath?: string) => {
    const encoded = await encodeSegments(source, params, TWICE, join(directory, name), outputPath)
    expect(encoded.segments.length, 'segments').toBeGreaterThan(1)
    return encoded
  }
  const forAll = asksForRate(params) ? undefined : await encode('segments')
  for (const container of containers) {
    const encoded = forAll ?? (await encode(`segments-${container}`, `out.${container}`))
    const joined = join(directory, `joined.${container}`)
    const reference = join(directory, `reference.${container}`)
    const plan = await joinTo(joined, encoded)
    await singleRun(source, reference, { plan, params, grid: grid ?? gridOf(encoded) })
    const [made, wanted] = await Promise.all([contents(joined), contents(reference)])
    expect(made.videoTimes, `${container}: frame times`).toEqual(wanted.videoTimes)
    expectSamePackets(made.otherPackets, wanted.otherPackets, roughAudioSeconds)
    const said = comparable(made.description, roughAudioSeconds)
    expect(said, container).toEqual(comparable(wanted.description, roughAudioSeconds))
  }
}

function gridOf({ job }: EncodedJob): string {
  return formatTimeBase(job.film.timing.encoder)
}

export interface FileCheck {
  /** The encoder's time base; undefined: the one that the program has chosen. */
  grid: string | undefined
  params: string
  containers: readonly string[]
  /** See {@link Clip}. */
  roughAudioSeconds?: number | undefined
}

/** Rough audio starts and ends a little sooner or later too; its packets are compared by themselves. */
function comparable({ streams, ...rest }: Description, roughAudioSeconds: number): Description {
  if (roughAudioSeconds === 0) return { ...rest, streams }
  return {
    ...rest,
    streams: streams.map((stream) =>
      stream.codec_type === 'video'
        ? stream
        : {
            ...stream,
            ...{ start_pts: undefined, duration: undefined },
            tags: { ...(stream.tags as object), DURATION: undefined },
          },
    ),
  }
}

function expectSamePackets(
  packets: readonly OtherPacket[],
  wanted: readonly OtherPacket[],
  roughAudioSeconds: number,
): void {
  expect(packets.map(({ content }) => content)).toEqual(wanted.map(({ content }) => content))
  if (roughAudioSeconds === 0) {
    expect(packets).toEqual(wanted)
    return
  }
  const apart = packets.map(({ pts }, place) => Math.abs(pts - (wanted[place]?.pts ?? Number.NaN)))
  expect(Math.max(0, ...apart), 'seconds apart').toBeLessThan(roughAudioSeconds)
}

const X264 = '-c:v libx264 -preset ultrafast -threads 1'

/** That a clip's frames come out as those of a single run, as tests. */
export function describeFrames(clip: Clip): void {
  describe(clip.name, async () => {
    const reason = await whyNotMade(clip)
    if (reason !== undefined) {
      test.skip(`skipped: ${reason}`, () => {})
      return
    }
    const directory = useDirectory()
    test.each([
      ['anywhere', ANYWHERE],
      ['at keyframes', AT_KEYFRAMES],
    ])('cut %s, has all frames bit for bit, each at its time', async (name, cuts) => {
      const source = await clipIn(directory(), clip)
      await expectSameFrames(source, clip.grid, cuts, join(directory(), name))
    })
  })
}

/** The whole set of checks for a clip, as tests. */
export function describeExactness(
  clip: Clip,
  more: readonly Pick<FileCheck, 'params' | 'containers'>[] = [],
): void {
  describe(clip.name, async () => {
    const reason = await whyNotMade(clip)
    if (reason !== undefined) {
      test.skip(`skipped: ${reason}`, () => {})
      return
    }
    const { grid } = clip
    const directory = useDirectory()

    test('cut anywhere, has all frames bit for bit, each at its time', async () => {
      await expectSameFrames(await clipIn(directory(), clip), grid, ANYWHERE, join(directory(), 'anywhere'))
    })

    test('cut at keyframes, has all frames bit for bit, each at its time', async () => {
      await expectSameFrames(
        await clipIn(directory(), clip),
        grid,
        AT_KEYFRAMES,
        join(directory(), 'keyframes'),
      )
    })

    const checks = [{ params: X264, containers: ['mp4', 'mkv'] }, ...more]
    test.each(checks)('encoded by $params, is the file of a single run', async (check) => {
      const source = await clipIn(directory(), clip)
      const place = checks.findIndex(({ params }) => params === check.params)
      await expectSameFile(
        source,
        { ...check, grid, roughAudioSeconds: clip.roughAudioSeconds },
        join(directory(), `file-${place}`),
      )
    })
  })
}

/** A directory for the tests of this describe block. */
export function useDirectory(): () => string {
  let path = ''
  beforeAll(async () => {
    path = await mkdtemp(join(tmpdir(), 'ffswarm-test-'))
  })
  afterAll(async () => await rm(path, { recursive: true, force: true }))
  return () => path
}

async function countFrames(path: string): Promise<number> {
  const text = await ffmpeg(
    ...['-i', `file:${path}`, '-map', '0:V:0', '-c:v', 'wrapped_avframe', '-fps_mode:v', 'passthrough'],
    ...['-enc_time_base:v', '-1', '-f', 'framecrc', '-'],
  )
  return text.split('\n').filter((line) => /^\d/.test(line)).length
}
