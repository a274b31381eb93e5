import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { logFile } from '../../src/ui/log-file.ts'

test('events are appended as lines, each with its time', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ffswarm-log-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'log')
  const fail = (error: unknown) => expect.fail(String(error))
  logFile(path, () => '1970-01-01T00:00:00.000Z', fail)({ event: 'phase', phase: 'probing' })
  logFile(path, () => '1970-01-01T00:00:01.500Z', fail)({ event: 'failed', code: 'INTERNAL' })
  const lines = (await readFile(path, 'utf8')).trim().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { at: '1970-01-01T00:00:00.000Z', event: 'phase', phase: 'probing' },
    { at: '1970-01-01T00:00:01.500Z', event: 'failed', code: 'INTERNAL' },
  ])
})

test('a file that cannot be written is told of once, and costs nothing else', () => {
  const errors: unknown[] = []
  const log = logFile(
    '/dev/null/none',
    () => '',
    (error) => errors.push(error),
  )
  log({ event: 'phase' })
  log({ event: 'phase' })
  expect(errors).toHaveLength(1)
})
