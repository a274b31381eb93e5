import {
  appendFile,
  chmod,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { watchSource } from '../../src/node/coordinator/source-watch.ts'

const CHANGED = { code: 'SOURCE_CHANGED' }
const { signal } = new AbortController()

async function watched() {
  const directory = await mkdtemp(join(tmpdir(), 'ffswarm-source-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'film.mkv')
  await writeFile(path, Buffer.alloc(1_000_000, 'a'))
  const { atime, mtime } = await stat(path)
  const watch = await watchSource(path, join(directory, 'held'), { signal })
  onTestFinished(() => watch.close())
  return { path, directory, atime, mtime, watch }
}

test('a source that stays as it is is no other, whatever is done to its rights', async () => {
  const { path, watch } = await watched()
  await watch.check()
  await chmod(path, 0o600)
  await watch.check()
  await watch.check()
})

test.each([
  ['is gone', (path: string) => rm(path)],
  ['has grown', (path: string) => appendFile(path, 'x')],
  ['has shrunk', (path: string) => truncate(path, 999_999)],
  ['was touched', (path: string) => utimes(path, 1, 1)],
])('one that %s is another', async (_, change) => {
  const { path, watch } = await watched()
  await change(path)
  await expect(watch.check()).rejects.toMatchObject(CHANGED)
  await expect(watch.check()).rejects.toMatchObject(CHANGED)
})

test('another file of the same size and time is another', async () => {
  const { path, directory, atime, mtime, watch } = await watched()
  const other = join(directory, 'other')
  await writeFile(other, Buffer.alloc(1_000_000, 'a'))
  await utimes(other, atime, mtime)
  await rename(other, path)
  await expect(watch.check()).rejects.toMatchObject(CHANGED)
})

test('one that was written over, and its time set back, is another', async () => {
  const { path, atime, mtime, watch } = await watched()
  await writeFile(path, Buffer.alloc(1_000_000, 'b'))
  await utimes(path, atime, mtime)
  await expect(watch.check()).rejects.toMatchObject(CHANGED)
  await expect(watch.check()).rejects.toMatchObject(CHANGED)
})

test.skipIf(process.platform !== 'linux')(
  'it is read as it was opened, whatever its name stands for',
  async () => {
    const { path, directory, watch } = await watched()
    const other = join(directory, 'other')
    await writeFile(other, Buffer.alloc(1_000_000, 'b'))
    await rename(path, join(directory, 'away'))
    await rename(other, path)
    expect((await readFile(watch.path)).equals(Buffer.alloc(1_000_000, 'a'))).toBe(true)
    expect(watch.named(`file:${watch.path}: no such thing`)).toBe(`file:${path}: no such thing`)
    await expect(watch.check()).rejects.toMatchObject(CHANGED)
  },
)

test('whoever follows it is told', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { path, watch } = await watched()
  const told: unknown[] = []
  const stop = watch.follow((error) => told.push(error))
  await vi.advanceTimersByTimeAsync(10_000)
  expect(told).toEqual([])
  await truncate(path, 10)
  await vi.advanceTimersByTimeAsync(2_000)
  await vi.waitFor(() => expect(told).toMatchObject([CHANGED]))
  stop()
})
