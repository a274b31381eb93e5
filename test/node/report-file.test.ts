import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { reserveReport } from '../../src/node/coordinator/report-file.ts'
import { temporaryDirectory } from '../support/temporary.ts'

describe('a reserved report', () => {
  test.each([
    ['a short name', 'report.json'],
    // File systems count bytes: each of these is three.
    ['a name as long as the file system takes', `${'報'.repeat(83)}.json`],
    ['an extension as long as that', `報.${'報'.repeat(83)}`],
  ])('is written whole under %s, and nothing stays beside it', async (_, name) => {
    const directory = await temporaryDirectory()
    const report = await reserveReport(join(directory, name), [], { overwrite: false })
    expect(readdirSync(directory)).toEqual([])
    await report.write('{"verdict":"exact"}')
    expect(readdirSync(directory)).toEqual([name])
    expect(JSON.parse(readFileSync(join(directory, name), 'utf8'))).toEqual({ verdict: 'exact' })
  })
})
