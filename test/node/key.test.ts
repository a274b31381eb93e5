import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  chooseKey,
  clearKey,
  deriveSecrets,
  newKey,
  parseKey,
  readStoredKey,
  storeKey,
} from '../../src/node/key/index.ts'

const TYPED = 'correct horse battery staple'

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ffswarm-key-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

describe('a key', () => {
  test('that is made is another each time, and can be typed in any case', () => {
    const keys = Array.from({ length: 100 }, newKey)
    expect(new Set(keys).size).toBe(100)
    for (const key of keys) {
      expect(key).toMatch(/^[a-z2-7]{4}(-[a-z2-7]{4}){6}$/)
      expect(parseKey(`  ${key.toUpperCase()}\n`)).toBe(key)
    }
  })

  test('that is made and has a letter wrong is told from a wrong one', () => {
    const key = newKey()
    const wrong = `${key[0] === 'a' ? 'b' : 'a'}${key.slice(1)}`
    expect(() => parseKey(wrong)).toThrow(/letter wrong/)
  })

  test('of a person’s making is neither short nor endless, and is not repeated in the message', () => {
    expect(parseKey(TYPED)).toBe(TYPED)
    expect(() => parseKey('hunter2')).toThrow(/fewer than 12/)
    expect(() => parseKey('hunter2')).not.toThrow(/hunter2/)
    expect(() => parseKey('x'.repeat(300))).toThrow(/more than 256/)
  })

  test('becomes secrets that do not lead back: the same for the same swarm, others for every other', async () => {
    const made = newKey()
    const all = await Promise.all(
      [
        [made, 'default'],
        [made, 'studio'],
        [newKey(), 'default'],
        [TYPED, 'default'],
      ].map(([key = '', swarm = '']) => deriveSecrets(key, swarm)),
    )
    const again = await deriveSecrets(made, 'default')
    expect(again).toEqual(all[0])
    expect(new Set(all.map(({ prologue }) => Buffer.from(prologue).toString('hex'))).size).toBe(4)
    expect(new Set(all.map(({ discoveryId }) => discoveryId)).size).toBe(4)
    for (const { prologue, discoveryId } of all) {
      expect(prologue).toHaveLength(32)
      expect(discoveryId).toMatch(/^[0-9a-f]{10}$/)
    }
  })

  test('of a person’s making takes a while to try', async () => {
    const began = process.cpuUsage()
    await deriveSecrets(TYPED, 'default')
    const { user, system } = process.cpuUsage(began)
    expect((user + system) / 1e3).toBeGreaterThan(50)
  })
})

describe('the key of a user', () => {
  test('is for this user alone', async () => {
    const directory = await newDirectory()
    expect(await readStoredKey(directory)).toBeUndefined()
    const key = newKey()
    await storeKey(directory, key, { overwrite: false })
    expect((await stat(join(directory, 'key'))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(directory, 'key'), 'utf8')).toBe(`${key}\n`)
    expect(await readStoredKey(directory)).toBe(key)
    await expect(storeKey(directory, newKey(), { overwrite: false })).rejects.toMatchObject({
      code: 'KEY_EXISTS',
    })
    await storeKey(directory, TYPED, { overwrite: true })
    expect(await readStoredKey(directory)).toBe(TYPED)
    expect(await clearKey(directory)).toBe(true)
    expect(await clearKey(directory)).toBe(false)
  })

  test.skipIf(process.platform === 'win32')('that others can read is not used', async () => {
    const directory = await newDirectory()
    await storeKey(directory, TYPED, { overwrite: false })
    await chmod(join(directory, 'key'), 0o644)
    await expect(readStoredKey(directory)).rejects.toMatchObject({ code: 'KEY_UNREADABLE' })
  })

  test('that is damaged is not taken for none', async () => {
    const directory = await newDirectory()
    await writeFile(join(directory, 'key'), 'short', { mode: 0o600 })
    await expect(readStoredKey(directory)).rejects.toMatchObject({ code: 'KEY_UNREADABLE' })
    await rm(join(directory, 'key'))
    await symlink(join(directory, 'nowhere'), join(directory, 'key'))
    await expect(readStoredKey(directory)).rejects.toMatchObject({ code: 'KEY_UNREADABLE' })
    await rm(join(directory, 'key'))
    await mkdir(join(directory, 'key'))
    await expect(readStoredKey(directory)).rejects.toMatchObject({ code: 'KEY_UNREADABLE' })
    await expect(clearKey(directory)).rejects.toMatchObject({ code: 'KEY_UNREADABLE' })
    await expect(storeKey(directory, TYPED, { overwrite: true })).rejects.toMatchObject({
      code: 'KEY_UNREADABLE',
    })
    expect(await readdir(directory)).toEqual(['key'])
  })

  test('gives way to one that is named, and to the word for none', async () => {
    const directory = await newDirectory()
    const [stored, named] = [newKey(), newKey()]
    await storeKey(directory, stored, { overwrite: false })
    expect(await chooseKey(undefined, directory)).toBe(stored)
    expect(await chooseKey(named, directory)).toBe(named)
    expect(await chooseKey('none', directory)).toBeUndefined()
    await expect(chooseKey('', directory)).rejects.toMatchObject({ code: 'KEY_INVALID' })
    await expect(chooseKey('twelve letters\nand more', directory)).rejects.toMatchObject({
      code: 'KEY_INVALID',
    })
  })
})
