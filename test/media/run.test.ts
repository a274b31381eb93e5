/** Processes that do what a real ffmpeg cannot be asked to do. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { locateTools, run, type Tool } from '../../src/media/ffmpeg/index.ts'

const NOTHING = { reads: [] }
const shell: Tool = { name: 'ffmpeg', path: '/bin/sh', launcher: [], backgroundLauncher: [] }

test.skipIf(process.platform !== 'linux')('one that hangs is ended, and said to have hung', async () => {
  const hanging = run(shell, ['-c', 'exec sleep 60'], { access: NOTHING, stallMs: 300 })
  await expect(hanging).rejects.toMatchObject({ failure: { code: 'TOOL_STALLED' } })
})

test('one that works without a word is not', async () => {
  await run(shell, ['-c', 'i=0; while [ $i -lt 3000000 ]; do i=$((i + 1)); done'], {
    access: NOTHING,
    stallMs: 1_500,
  })
})

test('one that has another do the work is not', async () => {
  const inner = 'i=0; while [ $i -lt 3000000 ]; do i=$((i + 1)); done'
  await run(shell, ['-c', `sh -c '${inner}'; true`], { access: NOTHING, stallMs: 1_500 })
})

const AUTOGROUP = '/proc/self/autogroup'

test.skipIf(process.platform !== 'linux')('encoders yield to everybody else: CPU and disk', async () => {
  const env = { ...process.env, FFSWARM_FFMPEG: '/bin/sh', FFSWARM_FFPROBE: '/bin/sh' }
  const { ffmpeg } = await locateTools({
    env,
    platform: 'linux',
    arch: process.arch,
    cacheDir: '/nonexistent',
  })
  const lines: string[] = []
  const tell = 'nice; command -v ionice > /dev/null && ionice || echo idle'
  await run(ffmpeg, ['-c', tell], {
    access: NOTHING,
    background: true,
    onLine: (line) => void lines.push(line),
  })
  expect(lines).toEqual(['19', expect.stringMatching(/^idle/)])
  if (!existsSync(AUTOGROUP)) return
  // Theirs is a session of its own, whose share of the machine is as low.
  const isLow = `grep -q 'nice 19' ${AUTOGROUP}`
  const wait = `i=0; until ${isLow} || [ $i -ge 50 ]; do sleep 0.1; i=$((i + 1)); done; cat ${AUTOGROUP}`
  await run(ffmpeg, ['-c', wait], {
    access: NOTHING,
    background: true,
    onLine: (line) => void lines.push(line),
  })
  expect(lines.at(-1)).toMatch(/nice 19$/)
  expect(lines.at(-1)?.split(' ')[0]).not.toBe(readFileSync(AUTOGROUP, 'utf8').split(' ')[0])
})
