/** Processes that do what a real ffmpeg cannot be asked to do. */
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
})
