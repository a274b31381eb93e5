/** What a peer says of its result, and sends, is taken for what it is. */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { segmentBytesMax } from '../../src/media/index.ts'
import { collect } from '../../src/node/coordinator/executor.ts'

type Collect = Parameters<typeof collect>

const BYTES = new TextEncoder().encode('a segment')
const SHA256 = createHash('sha256').update(BYTES).digest('hex')

/** @param downloads what happens each time that the bytes are asked for */
async function setUp(
  result: object,
  downloads: ((write: (bytes: Uint8Array) => Promise<void>) => Promise<void>)[],
) {
  const directory = await mkdtemp(join(tmpdir(), 'ffswarm-collect-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const asked = vi.fn(async (_peer: unknown, _blob: string, { write, onBytes }) => {
    await downloads[asked.mock.calls.length - 1]?.(async (bytes) => {
      await write([bytes])
      onBytes(bytes.byteLength)
    })
  })
  const attempt = {
    result: Promise.resolve({
      ...{ blob: 'b', sizeBytes: BYTES.byteLength, sha256: SHA256, frames: 1, encodeMs: 1 },
      ...{ seekIndex: 0, complaints: 0, cpuMs: 1, ...result },
    }),
    reject: vi.fn(async () => {}),
    acknowledge: vi.fn(async () => {}),
  }
  const options = {
    ...{ path: join(directory, 'segment'), bytesMax: 1000, signal: new AbortController().signal },
    ...{ onEncoded: vi.fn(), onBrought: vi.fn(), onDiskFull: vi.fn(async () => {}) },
  }
  const run = () =>
    collect(
      { blob: { download: asked } } as unknown as Collect[0],
      { id: 'peer' } as unknown as Collect[1],
      attempt as unknown as Collect[2],
      options,
    )
  return { run, asked, attempt, options }
}

test('the bytes that it promised are stored', async () => {
  const { run, options } = await setUp({}, [(write) => write(BYTES)])
  expect(await run()).toMatchObject({ sizeBytes: BYTES.byteLength, sha256: SHA256 })
  expect(new Uint8Array(await readFile(options.path))).toEqual(BYTES)
  expect(options.onBrought).toHaveBeenLastCalledWith(1)
})

test('more bytes than any segment has are not asked for', async () => {
  const { run, asked, attempt } = await setUp({ sizeBytes: 1001 }, [])
  await expect(run()).rejects.toMatchObject({ code: 'SEGMENT_SIZE' })
  expect(asked).not.toHaveBeenCalled()
  expect(attempt.reject).toHaveBeenCalledWith('SEGMENT_SIZE')
})

test('other bytes are refused', async () => {
  const { run, attempt } = await setUp({}, [(write) => write(BYTES.map((byte) => byte ^ 1))])
  await expect(run()).rejects.toMatchObject({ code: 'SHA256' })
  expect(attempt.reject).toHaveBeenCalledWith('SHA256')
})

test('what a full disk did not take is asked for again from its beginning', async () => {
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' })
  const { run, asked, options } = await setUp({}, [
    async (write) => {
      await write(BYTES.subarray(0, 4))
      throw full
    },
    (write) => write(BYTES),
  ])
  await run()
  expect(asked).toHaveBeenCalledTimes(2)
  expect(options.onDiskFull).toHaveBeenCalledTimes(1)
  expect(new Uint8Array(await readFile(options.path))).toEqual(BYTES)
})

test('the bound is above what raw pictures take, and goes by their number', () => {
  const raw = 3840 * 2160 * 4 * 2
  expect(segmentBytesMax('3840x2160 yuva444p16le', 100)).toBeGreaterThan(100 * raw)
  expect(segmentBytesMax('3840x2160 yuva444p16le', 100)).toBeLessThan(100 * raw * 1.1)
  expect(segmentBytesMax('16x16 gray', 1)).toBeGreaterThan(1e6)
})
