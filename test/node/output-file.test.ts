import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { link, mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type { JobError } from '../../src/node/coordinator/failure.ts'
import { reserveOutput } from '../../src/node/coordinator/output-file.ts'
import { temporaryDirectory } from '../support/temporary.ts'

let directory = ''
let inputPath = ''
const at = (name: string) => join(directory, name)

beforeEach(async () => {
  directory = await temporaryDirectory()
  inputPath = at('input.mp4')
  await writeFile(inputPath, 'input')
})

const reserve = (name: string, { overwrite = false } = {}) =>
  reserveOutput(`${directory}/${name}`, { overwrite, inputPath })

describe('a reserved output', () => {
  test('is an empty file of another name beside it, with its extension', async () => {
    const output = await reserve('out.mkv')
    expect(output.directory).toBe(directory)
    expect(readdirSync(directory).sort()).toEqual([basename(output.partialPath), 'input.mp4'].sort())
    expect(output.partialPath).toMatch(/\.mkv$/)
    expect(readFileSync(output.partialPath)).toHaveLength(0)
  })

  test('gets its name when it is committed', async () => {
    const output = await reserve('out.mkv')
    await writeFile(output.partialPath, 'film')
    await output.commit()
    expect(readdirSync(directory).sort()).toEqual(['input.mp4', 'out.mkv'])
    expect(readFileSync(at('out.mkv'), 'utf8')).toBe('film')
  })

  test('leaves nothing when it is discarded, once or twice', async () => {
    const output = await reserve('out.mkv')
    await output.discard()
    await output.discard()
    expect(readdirSync(directory)).toEqual(['input.mp4'])
  })

  test('replaces an existing file at the very end and not before', async () => {
    await writeFile(at('out.mkv'), 'precious')
    const output = await reserve('out.mkv', { overwrite: true })
    await writeFile(output.partialPath, 'film')
    expect(await readFile(at('out.mkv'), 'utf8')).toBe('precious')
    await output.commit()
    expect(await readFile(at('out.mkv'), 'utf8')).toBe('film')
  })

  test('may have a name of any length that the file system takes', async () => {
    const name = `${'n'.repeat(251)}.mkv`
    const output = await reserve(name)
    await output.commit()
    expect(readdirSync(directory)).toContain(name)
  })

  test('may have a long name in letters of several bytes', async () => {
    const name = `${'ü'.repeat(125)}.mkv`
    const output = await reserve(name)
    await output.commit()
    expect(readdirSync(directory)).toContain(name)
  })

  test('does not take the name of a file that has appeared meanwhile, and loses nothing', async () => {
    const output = await reserve('out.mkv')
    await writeFile(output.partialPath, 'film')
    await writeFile(at('out.mkv'), 'precious')
    const error = await output.commit().catch((reason: JobError) => reason)
    expect(error).toMatchObject({ code: 'OUTPUT_APPEARED' })
    expect(await readFile(at('out.mkv'), 'utf8')).toBe('precious')
    const { kept } = (error as JobError).failure as { kept: string }
    expect(await readFile(kept, 'utf8')).toBe('film')
    expect(readdirSync(directory)).toHaveLength(3)
  })

  test.each([true, false])('goes to the file that a link means, there already: %s', async (isThere) => {
    await mkdir(at('elsewhere'))
    if (isThere) await writeFile(at('elsewhere/film.mkv'), 'old')
    await symlink('elsewhere/film.mkv', at('link.mkv'))
    const output = await reserve('link.mkv', { overwrite: isThere })
    await writeFile(output.partialPath, 'film')
    await output.commit()
    expect(await readFile(at('elsewhere/film.mkv'), 'utf8')).toBe('film')
    expect(await readlink(at('link.mkv'))).toBe('elsewhere/film.mkv')
    expect(readdirSync(at('elsewhere'))).toEqual(['film.mkv'])
  })

  test('two of one name do not disturb each other', async () => {
    const [one, two] = await Promise.all([reserve('out.mkv'), reserve('out.mkv')])
    expect(one.partialPath).not.toBe(two.partialPath)
  })
})

describe('no output is reserved', () => {
  const codeOf = (reserving: Promise<unknown>) =>
    reserving.then(
      () => 'reserved',
      (error: { code: string }) => error.code,
    )

  test('over an existing file that may not be replaced', async () => {
    await writeFile(at('out.mkv'), 'precious')
    expect(await codeOf(reserve('out.mkv'))).toBe('OUTPUT_EXISTS')
    expect(readdirSync(directory).sort()).toEqual(['input.mp4', 'out.mkv'])
  })

  test('over the input, by whatever name', async () => {
    await symlink(inputPath, at('link.mp4'))
    await link(inputPath, at('hard.mp4'))
    for (const name of ['input.mp4', 'link.mp4', 'hard.mp4', './x/../input.mp4']) {
      expect(await codeOf(reserve(name, { overwrite: true })), name).toBe('OUTPUT_IS_INPUT')
    }
  })

  test('over a directory', async () => {
    await mkdir(at('folder.mkv'))
    expect(await codeOf(reserve('folder.mkv', { overwrite: true }))).toBe('OUTPUT_IS_DIRECTORY')
  })

  test('over a file’s name that says a directory', async () => {
    expect(await codeOf(reserve('out.mkv/'))).toBe('OUTPUT_IS_DIRECTORY')
  })

  test.skipIf(process.platform === 'win32')('over a pipe', async () => {
    execFileSync('mkfifo', [at('pipe.mkv')])
    expect(await codeOf(reserve('pipe.mkv', { overwrite: true }))).toBe('OUTPUT_NOT_A_FILE')
  })

  test('in a directory that is not there', async () => {
    expect(await codeOf(reserve('none/out.mkv'))).toBe('OUTPUT_DIRECTORY_MISSING')
    expect(await codeOf(reserve('input.mp4/out.mkv'))).toBe('OUTPUT_DIRECTORY_MISSING')
  })
})
