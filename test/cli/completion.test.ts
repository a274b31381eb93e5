/** Tab in a shell, as far as a shell can be asked without a terminal. */
import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CLI, runCli } from '../helpers/cli.ts'

async function completed(...words: string[]): Promise<string[]> {
  const { exitCode, stdout } = await runCli(['complete', '--', ...words])
  expect(exitCode).toBe(0)
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : (line.split('\t')[0] ?? '')))
}

test.each<[string[], string[]]>([
  [['enc'], ['encode']],
  [['res'], ['resume']],
  [
    ['encode', '--ver'],
    ['--verify', '--verbose'],
  ],
  [
    ['encode', '--verify', ''],
    ['times', 'full'],
  ],
  [
    ['encode', 'film.mkv', '--preset', 'web-'],
    ['web-h264', 'web-av1', 'web-vp9'],
  ],
  [['encode', ''], [':files']],
  [['encode', '--peers', '3', 'fi'], [':files']],
  [['encode', 'film.mkv', '-o', ''], [':files']],
  [['encode', '--peers', ''], []],
  [['encode', 'film.mkv', ''], []],
  [['verify', 'out'], [':files']],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['key', 'n'], ['new']],
  [['nonsense', ''], []],
])('%j is completed by %j', async (words, wanted) => {
  const values = await completed(...words)
  expect([...values].sort()).toEqual([...wanted].sort())
})

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ffswarm-completion-'))
  await writeFile(join(directory, 'ffswarm'), `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`)
  await chmod(join(directory, 'ffswarm'), 0o755)
})
afterAll(async () => await rm(directory, { recursive: true, force: true }))

describe.skipIf(!has('bash'))('bash', () => {
  test('takes the script, and completes by it', async () => {
    const { stdout: script } = await runCli(['completion', 'bash'])
    const asked = `COMP_WORDS=(ffswarm encode --seg); COMP_CWORD=2; _ffswarm; echo "\${COMPREPLY[@]}"; complete -p ffswarm`
    const told = execFileSync('bash', ['-c', `${script}\n${asked}`], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${directory}:${process.env.PATH}` },
    })
    expect(told).toBe('--segment-time --segment-request\ncomplete -F _ffswarm ffswarm\n')
  })
})

test.each(['zsh', 'fish'] as const)('%s understands its script', async (shell) => {
  const { exitCode, stdout } = await runCli(['completion', shell])
  expect(exitCode).toBe(0)
  expect(stdout).toContain('ffswarm complete --')
  if (!has(shell)) return
  const path = join(directory, `script.${shell}`)
  await writeFile(path, stdout)
  execFileSync(shell, ['-n', path])
})

function has(shell: string): boolean {
  try {
    execFileSync(shell, ['-c', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
