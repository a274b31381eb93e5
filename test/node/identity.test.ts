import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { claimIdentity } from '../../src/node/identity.ts'
import { startProcess } from '../support/processes.ts'
import { temporaryDirectory } from '../support/temporary.ts'

const signal = AbortSignal.timeout(100_000)

interface Claimed {
  index: number
  peerId: string
}

async function claimInProcess(directory: string) {
  return await startProcess<Claimed>(new URL('support/claim-identity.mjs', import.meta.url), [directory])
}

async function claimHere(directory: string) {
  const identity = await claimIdentity(directory, { signal })
  onTestFinished(async () => await identity.release())
  return identity
}

async function keyFile(directory: string, index: number): Promise<string> {
  const identities = join(directory, 'identities')
  const [machine] = await readdir(identities)
  return join(identities, String(machine), `${index}.key`)
}

test('a node that comes back is the peer it was', async () => {
  const directory = await temporaryDirectory()
  const first = await claimIdentity(directory, { signal })
  await first.release()
  const second = await claimHere(directory)
  expect(second.index).toBe(0)
  expect(second.peerId.equals(first.peerId)).toBe(true)
})

test('nodes side by side are different peers, each the same every time', async () => {
  const directory = await temporaryDirectory()
  const zero = await claimIdentity(directory, { signal })
  const one = await claimHere(directory)
  expect([zero.index, one.index]).toEqual([0, 1])
  await zero.release()
  const again = await claimHere(directory)
  expect(again.index).toBe(0)
  expect(again.peerId.equals(zero.peerId)).toBe(true)
})

test('eight processes started at once are eight peers; killed, their identities are taken again', async () => {
  const directory = await temporaryDirectory()
  const started = await Promise.all(Array.from({ length: 8 }, async () => await claimInProcess(directory)))
  const claims = started.map(({ hello }) => hello)
  expect(new Set(claims.map(({ peerId }) => peerId)).size).toBe(8)
  expect(claims.map(({ index }) => index).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])

  await Promise.all(started.map(async (process) => await process.kill()))
  const again = await Promise.all(Array.from({ length: 8 }, async () => await claimInProcess(directory)))
  const byIndex = (all: Claimed[]) => all.toSorted((a, b) => a.index - b.index)
  expect(byIndex(again.map(({ hello }) => hello))).toEqual(byIndex(claims))
  expect(await Promise.all(again.map(async (process) => await process.end()))).toEqual(Array(8).fill(0))
})

test('a stopped process keeps its identity', async () => {
  const directory = await temporaryDirectory()
  const stopped = await claimInProcess(directory)
  stopped.signal('SIGSTOP')
  const beside = await claimHere(directory)
  expect(beside.index).toBe(1)
})

test('claims within one process do not fight either', async () => {
  const directory = await temporaryDirectory()
  const all = await Promise.all(Array.from({ length: 20 }, async () => await claimHere(directory)))
  expect(new Set(all.map(({ index }) => index)).size).toBe(20)
  expect(Math.max(...all.map(({ index }) => index))).toBe(19)
})

test('the key is the user’s alone, and nothing is left behind', async () => {
  const directory = await temporaryDirectory()
  const identity = await claimIdentity(directory, { signal })
  const path = await keyFile(directory, 0)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  await identity.release()
  const files = await readdir(directory, { recursive: true, withFileTypes: true })
  expect(files.filter((file) => !file.isDirectory()).map(({ name }) => name)).toEqual(['0.key'])
})

test('a key that cannot be read is named, kept, and its identity stays free', async () => {
  const directory = await temporaryDirectory()
  await (await claimIdentity(directory, { signal })).release()
  const path = await keyFile(directory, 0)
  await writeFile(path, 'garbage')
  for (let i = 0; i < 2; i++) {
    await expect(claimIdentity(directory, { signal })).rejects.toMatchObject({
      failure: { code: 'IDENTITY_UNREADABLE', path },
    })
  }
  expect(await readFile(path, 'utf8')).toBe('garbage')
})

test('a data directory whose path is too long for a socket works all the same', async () => {
  const directory = join(await temporaryDirectory(), 'x'.repeat(120))
  await mkdir(directory)
  const zero = await claimIdentity(directory, { signal })
  const one = await claimHere(directory)
  expect([zero.index, one.index]).toEqual([0, 1])
  await zero.release()
  expect((await claimHere(directory)).peerId.equals(zero.peerId)).toBe(true)
})

test('a data directory that is none is named', async () => {
  const file = join(await temporaryDirectory(), 'file')
  await writeFile(file, '')
  await expect(claimIdentity(file, { signal })).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' })
})

test('an aborted claim ends with its reason', async () => {
  const reason = new Error('enough')
  const aborted = claimIdentity(await temporaryDirectory(), { signal: AbortSignal.abort(reason) })
  await expect(aborted).rejects.toBe(reason)
})
