/** Real footage, where it lies beside this checkout: each file scaled down and kept without loss. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { formatTimeBase } from '../../../src/media/index.ts'
import { useDirectory } from '../../helpers/exactness.ts'
import { decodedFrames, otherPackets } from '../../helpers/ffmpeg.ts'
import { encodeSegments, joinTo, singleRun } from '../../helpers/segments.ts'

const FOOTAGE = fileURLToPath(new URL('../../../../shared/media', import.meta.url))

/** Larger files take more than a few seconds. */
const BYTES_MAX = 10_000_000

const files = existsSync(FOOTAGE)
  ? readdirSync(FOOTAGE)
      .filter((name) => /\.(mp4|mov|mkv|webm|avi|ts|mpg)$/.test(name))
      .filter((name) => statSync(join(FOOTAGE, name)).size <= BYTES_MAX)
  : []

// Small pictures, so that the time goes into what is tested: finding and decoding the right frames.
const PARAMS = '-c:v ffv1 -vf scale=128:-2'

const directory = useDirectory()

test.skipIf(files.length > 0)('skipped: there is no footage in ../shared/media', () => {})

test.for(files)('%s has all frames bit for bit, and every packet of its other streams', async (name) => {
  const source = join(FOOTAGE, name)
  const cuts = { lengths: [1, 151, 17, 503], atKeyframes: false }
  const encoded = await encodeSegments(source, PARAMS, cuts, join(directory(), name))
  expect(encoded.segments.length).toBeGreaterThan(1)
  const joined = join(directory(), `${name}.joined.mkv`)
  const reference = join(directory(), `${name}.reference.mkv`)
  const plan = await joinTo(joined, encoded)
  await singleRun(source, reference, {
    plan,
    params: PARAMS,
    grid: formatTimeBase(encoded.job.film.timing.encoder),
  })
  const wanted = await decodedFrames(reference)
  expect(await decodedFrames(joined)).toEqual(wanted)
  expect(wanted).toHaveLength(encoded.job.index.pts.length)
  expect(await otherPackets(joined)).toEqual(await otherPackets(reference))
})
