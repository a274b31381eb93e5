import {
  appendFile,
  type FileHandle,
  mkdtemp,
  open,
  readFile,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Journal, readJournal } from '../../src/node/coordinator/store/journal.ts'

async function newPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ffswarm-journal-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return join(directory, 'journal')
}

async function write(path: string, ...records: object[]): Promise<void> {
  const journal = await Journal.open(path)
  for (const record of records) await journal.append(record)
  await journal.close()
}

test('gives back what was appended, in order, by one process or by several in turn', async () => {
  const path = await newPath()
  await write(path, { at: 1 }, { at: 2, text: 'ä\n"' })
  await write(path, { at: 3 })
  expect(await readJournal(path)).toEqual([{ at: 1 }, { at: 2, text: 'ä\n"' }, { at: 3 }])
})

test('keeps the order of appends that do not wait for one another', async () => {
  const path = await newPath()
  const journal = await Journal.open(path)
  await Promise.all(Array.from({ length: 50 }, (_, at) => journal.append({ at })))
  await journal.close()
  expect(await readJournal(path)).toEqual(Array.from({ length: 50 }, (_, at) => ({ at })))
})

test('one that was never written has no records', async () => {
  expect(await readJournal(await newPath())).toEqual([])
})

test('cut off anywhere it has the records before the cut, and takes more', async () => {
  const path = await newPath()
  const records = [{ at: 1 }, { at: 2 }, { at: 3 }]
  await write(path, ...records)
  const whole = await readFile(path)
  for (let length = 0; length < whole.length; length++) {
    await writeFile(path, whole)
    await truncate(path, length)
    const left = await readJournal(path)
    expect(left).toEqual(records.slice(0, left.length))
    await write(path, { at: 'more' })
    expect(await readJournal(path)).toEqual([...left, { at: 'more' }])
  }
})

test('a damaged record is passed over, the others are not', async () => {
  const path = await newPath()
  await write(path, { at: 1 }, { at: 2 }, { at: 3 })
  const text = await readFile(path, 'utf8')
  await writeFile(path, text.replace('"at":2', '"at":7'))
  await appendFile(path, 'not a record\n00000000 {}\n')
  expect(await readJournal(path)).toEqual([{ at: 1 }, { at: 3 }])
})

test('a record that a full disk cut off takes no other one with it', async () => {
  const path = await newPath()
  const journal = await Journal.open(path)
  await journal.append({ at: 1 })
  const file = await open(path)
  const handle: FileHandle = Object.getPrototypeOf(file)
  await file.close()
  const append = handle.appendFile
  const full = vi.spyOn(handle, 'appendFile').mockImplementationOnce(async function (this: FileHandle, data) {
    await append.call(this, String(data).slice(0, 5))
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  })
  onTestFinished(() => full.mockRestore())
  await expect(journal.append({ at: 2 })).rejects.toThrow('no space')
  await journal.append({ at: 3 })
  await journal.close()
  expect(await readJournal(path)).toEqual([{ at: 1 }, { at: 3 }])
})
