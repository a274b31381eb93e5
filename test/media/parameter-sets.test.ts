import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { digestParameterSets } from '../../src/media/segment/parameter-sets.ts'
import { useDirectory } from '../helpers/exactness.ts'
import { ffmpeg } from '../helpers/ffmpeg.ts'

const directory = useDirectory()

test('MPEG-4 headers are those of the decoder, whatever bit rates stand before them', async () => {
  const path = join(directory(), 'a.mp4')
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=160x90:d=1', '-c:v', 'mpeg4', path)
  const bytes = await readFile(path)
  // The decoder's configuration: tag and length, kind of object and of stream, buffer, then the bit rates.
  const configuration = bytes.indexOf(Buffer.from([4, 0x80, 0x80, 0x80]), bytes.indexOf('esds'))
  const rates = configuration + 5 + 5
  const variants = [
    [0, 0, 0, 9, 0, 0, 0, 9],
    // What an elementary stream's start code looks like too.
    [0, 1, 5, 0xe0, 0, 0, 1, 5],
  ]
  const digests = await Promise.all(
    variants.map(async (values, at) => {
      const copy = Buffer.from(bytes)
      copy.set(values, rates)
      const other = join(directory(), `${at}.mp4`)
      await writeFile(other, copy)
      return await digestParameterSets(other, 'none')
    }),
  )
  expect(new Set(digests).size).toBe(1)
  expect(digests[0]).toMatch(/^SHA256:/)
  const changed = Buffer.from(bytes)
  const headers = changed.indexOf(Buffer.from([0, 0, 1, 0xb0]), configuration)
  changed.writeUInt8(0xf5, headers + 4)
  await writeFile(path, changed)
  expect(await digestParameterSets(path, 'none')).not.toBe(digests[0])
})
