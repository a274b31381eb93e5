/**
 * What a broken or taken over ffmpeg gets at inside the sandbox: a shell in ffmpeg's place does what an attacker would. Where the
 * system gives no sandbox there is nothing to try, and these are skipped.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { run } from '../../src/media/ffmpeg/index.ts'
import { childrenOf } from '../../src/media/ffmpeg/kill.ts'
import { type Access, MediaError, type Tool } from '../../src/media/index.ts'
import { openSandbox, type Sandbox, type SandboxMode } from '../../src/node/sandbox/index.ts'
import { sweepSandboxes } from '../../src/node/sandbox/sweep.ts'
import { CLI, LOOPBACK, runCli } from '../helpers/cli.ts'
import { ffmpeg, tools } from '../helpers/ffmpeg.ts'

const directory = await mkdtemp(join(tmpdir(), 'ffswarm-sandbox-'))
const signal = new AbortController().signal
const { env, platform } = process
const init = (mode: SandboxMode) => ({ mode, needsLoopback: true, env, platform, uid: process.getuid?.() })

const sandbox = await openSandbox(tools, init('auto'), { signal })
const hasSandbox = sandbox.kind !== undefined
/** Where the system has its programs, whatever this process finds them by. */
const PATH = 'PATH=/usr/bin:/bin;'

/** A shell in ffmpeg's place. */
const impostor = (): Tool => {
  const confine = sandbox.tools.ffmpeg.confine
  return {
    ...{ name: 'ffmpeg', path: '/bin/sh', launcher: [], backgroundLauncher: [] },
    ...(confine === undefined ? {} : { confine }),
  }
}

afterAll(async () => {
  await sandbox.close()
  sandbox.listener?.close()
  await rm(directory, { recursive: true, force: true })
})

/** What the attack prints, and how it fails. */
async function attack(command: string, access: Access = { reads: [] }) {
  const lines: string[] = []
  try {
    await run(impostor(), ['-c', `${PATH} ${command}`], { access, onLine: (line) => void lines.push(line) })
    return { lines, error: undefined }
  } catch (error) {
    if (!(error instanceof MediaError)) throw error
    return { lines, error }
  }
}

async function file(name: string, content = ''): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, content)
  return path
}

describe.skipIf(!hasSandbox)('what runs in the sandbox', () => {
  test('reads the files that it is given, and no other', async () => {
    const [given, canary] = [await file('given', 'for it'), await file('canary', 'secret')]
    expect((await attack(`cat ${given}`, { reads: [given] })).lines).toEqual(['for it'])
    expect(await attack(`cat ${canary}`, { reads: [given] })).toMatchObject({
      lines: [],
      error: { failure: { code: 'TOOL_EXIT', detail: expect.stringMatching(/No such file/) } },
    })
    const seen = await attack(`ls ${directory} /home /root /etc/passwd /etc/shadow /var 2> /dev/null; true`, {
      reads: [given],
    })
    expect(seen.lines.join(' ')).not.toMatch(/canary|passwd|shadow/)
  })

  test('writes the files that it is given, and no other', async () => {
    const [given, canary] = [await file('output'), await file('canary', 'as it was')]
    const others = [canary, '/tmp/x', '/x', '/dev/x', '/dev/shm/x', '/usr/x', join(directory, 'new')]
    const { lines } = await attack(
      [
        `echo result > ${given}`,
        ...others.map((path) => `(echo x > ${path}) 2> /dev/null && echo ${path}`),
      ].join('; '),
      { reads: [canary], writes: [given] },
    )
    expect(lines).toEqual([])
    expect(await readFile(given, 'utf8')).toBe('result\n')
    expect(await readFile(canary, 'utf8')).toBe('as it was')
  })

  test('reaches what listens for it over the network, and nothing else', async () => {
    const answers = (name: string) => createServer((_, response) => void response.end(name))
    const [outside, inside] = [answers('outside').listen(0, '127.0.0.1'), answers('inside')]
    await once(outside, 'listening')
    if (sandbox.listener === undefined) throw new Error('it listens inside')
    inside.listen(sandbox.listener)
    const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port
    const ask = async (port: number) => {
      const url = `http://127.0.0.1:${port}/`
      const asking = run(
        sandbox.tools.ffmpeg,
        ['-v', 'error', '-f', 'data', '-i', url, '-map', '0', '-c', 'copy', '-f', 'data', '-'],
        {
          access: { reads: [] },
        },
      )
      return await asking.then(
        () => 'answered',
        (error: unknown) => (error instanceof MediaError ? error.message : String(error)),
      )
    }
    try {
      expect(await ask(portOf(sandbox.listener))).toBe('answered')
      expect(await ask(portOf(outside))).toMatch(/refused/i)
    } finally {
      outside.close()
      inside.close()
    }
  })

  test('sees no other process, and nothing of this one’s environment', async () => {
    process.env.FFSWARM_TEST_SECRET = 'secret'
    const { lines } = await attack(
      'for p in /proc/[0-9]*; do echo $p; done; echo HOME=$HOME SECRET=$FFSWARM_TEST_SECRET',
    )
    delete process.env.FFSWARM_TEST_SECRET
    expect(lines.filter((line) => line.startsWith('/proc/')).length).toBeLessThan(5)
    expect(lines.at(-1)).toBe('HOME= SECRET=')
  })

  test('gains no rights, and has none over the system', async () => {
    const { lines } = await attack('grep -E "^(NoNewPrivs|CapEff)" /proc/self/status')
    expect(lines[1]).toMatch(/NoNewPrivs:\s+1/)
    // Root may read and write whatever is shown to it, and nothing more.
    expect(lines[0]).toMatch(process.getuid?.() === 0 ? /CapEff:\s+0000000000000002/ : /CapEff:\s+0+$/)
  })

  test('ends with whoever started it', async () => {
    const controller = new AbortController()
    const mark = `${process.pid}${Date.now()}`
    const running = run(impostor(), ['-c', `${PATH} sleep 60.${mark} & sleep 60.${mark}`], {
      access: { reads: [] },
      signal: controller.signal,
    })
    const processes = () =>
      execFileSync('sh', ['-c', `pgrep -f '[s]leep 60.${mark}' || true`], { encoding: 'utf8' })
    await expect.poll(processes, { timeout: 10_000 }).not.toBe('')
    controller.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    await expect.poll(processes, { timeout: 10_000 }).toBe('')
  })

  test('ends with whoever started it, also while it is being started', async () => {
    const mark = await file(`mark-${process.pid}${Date.now()}`)
    const runs = Array.from({ length: 150 }, async (_, place) => {
      await sleep(40 * Math.floor(place / 3))
      const starting = run(impostor(), ['-c', `${PATH} sleep 60`], {
        access: { reads: [mark] },
        signal: AbortSignal.timeout(place % 30),
      })
      await expect(starting).rejects.toThrow('timeout')
    })
    await Promise.all(runs)
    const processes = () =>
      execFileSync('sh', ['-c', `pgrep -f '[b]wrap.*${mark}' || true`], { encoding: 'utf8' })
    await expect.poll(processes, { timeout: 10_000 }).toBe('')
  })

  test('is told of by the signal that ended it, as outside', async () => {
    const { error } = await attack('kill -SEGV $$')
    expect(error).toMatchObject({ failure: { code: 'TOOL_EXIT', signal: 'SIGSEGV' } })
  })

  const LOOP = 'i=0; while [ $i -lt 500000 ]; do i=$((i + 1)); done'

  test('has the CPU time counted that it takes', async () => {
    let used = 0
    const { cpuSeconds } = await run(impostor(), ['-c', `${LOOP}; echo half; ${LOOP}`], {
      access: { reads: [] },
      measureCpu: true,
      onLine: () => {},
      onUsage: ({ cpuSeconds }) => {
        used = cpuSeconds
      },
    })
    expect(used).toBeGreaterThan(0.2)
    expect(cpuSeconds).toBeGreaterThanOrEqual(used)
  })

  test('that does nothing is ended as a hung one', async () => {
    const hanging = run(impostor(), ['-c', `${PATH} sleep 60`], { access: { reads: [] }, stallMs: 1_000 })
    await expect(hanging).rejects.toMatchObject({ failure: { code: 'TOOL_STALLED' } })
  })
})

test.skipIf(platform !== 'linux')('no file becomes larger than a run is allowed', async () => {
  const output = await file('large')
  const { error } = await attack(`head -c 1000000 /dev/zero > ${output}`, {
    reads: [],
    writes: [output],
    fileBytesMax: 4096,
  })
  expect(error).toMatchObject({ failure: { code: 'TOOL_EXIT' } })
  expect((await stat(output)).size).toBeLessThanOrEqual(4096)
})

describe('a machine without bubblewrap', () => {
  const without = { ...init('auto'), env: { ...env, PATH: join(directory, 'nothing') } }

  test('does without, and knows why', async () => {
    const opened: Sandbox = await openSandbox(tools, without, { signal })
    expect(opened).toMatchObject({
      kind: undefined,
      reason: expect.stringMatching(/bubblewrap|there is none/),
    })
    await opened.close()
  })

  test('refuses where a sandbox is required', async () => {
    const opening = openSandbox(tools, { ...without, mode: 'require' }, { signal })
    await expect(opening).rejects.toMatchObject({ code: 'SANDBOX_MISSING' })
  })
})

test.skipIf(!hasSandbox)(
  'what a killed node has left in a sandbox ends with the next one’s start',
  async () => {
    const [data, other] = [join(directory, 'data'), join(directory, 'data-of-another')]
    await mkdir(data)
    await mkdir(other)
    const user = isRoot ? [] : ['--unshare-user']
    const start = (place: string) => {
      const words = [
        ...user,
        '--unshare-pid',
        '--ro-bind',
        '/',
        '/',
        '--proc',
        '/proc',
        '--bind',
        `${place}/`,
        place,
      ]
      return spawn('bwrap', [...words, 'sleep', '60'], { stdio: 'ignore' })
    }
    const innerOf = ({ pid }: ChildProcess) => childrenOf(pid ?? 0)[0] ?? 0
    const outers = [start(data), start(data), start(other)] as const
    const ends = [once(outers[0], 'exit'), once(outers[2], 'exit')]
    await expect.poll(() => outers.map(innerOf).every((pid) => childrenOf(pid).length > 0), WITHIN).toBe(true)
    const inners = outers.map(innerOf)
    // Without --die-with-parent the inner ones stay, as they do where their parent is killed too early.
    outers[0].kill('SIGKILL')
    outers[2].kill('SIGKILL')
    await Promise.all(ends)
    expect(await sweepSandboxes(data)).toBe(1)
    const areThere = () => inners.map((pid) => existsSync(`/proc/${pid}`))
    // Neither what has a parent nor what was of another place.
    await expect.poll(areThere, WITHIN).toEqual([false, true, true])
    expect(await sweepSandboxes(other)).toBe(1)
    outers[1].kill('SIGKILL')
    await once(outers[1], 'exit')
    expect(await sweepSandboxes(data)).toBe(1)
    await expect.poll(areThere, WITHIN).toEqual([false, false, false])
  },
)

const WITHIN = { timeout: 10_000 }

test.skipIf(!hasSandbox)('a program that is found by a link is run as well', async () => {
  const linked = (tool: typeof tools.ffmpeg) => ({ ...tool, path: join(directory, `linked-${tool.name}`) })
  const located = { ffmpeg: linked(tools.ffmpeg), ffprobe: linked(tools.ffprobe) }
  await symlink(tools.ffmpeg.path, located.ffmpeg.path)
  await symlink(tools.ffprobe.path, located.ffprobe.path)
  const opened = await openSandbox(located, { ...init('require'), needsLoopback: false }, { signal })
  expect(opened.kind).toBe('bubblewrap')
  await opened.close()
})

/** The tools behind scripts that end with an error where they have to do with a file and see this machine's own. */
async function toolsThatRefuseToBeFree(): Promise<{ FFSWARM_FFMPEG: string; FFSWARM_FFPROBE: string }> {
  const [bin, lib] = [join(directory, 'refusing', 'bin'), join(directory, 'refusing', 'lib')]
  await mkdir(bin, { recursive: true })
  await mkdir(lib)
  for (const { name, path } of [tools.ffmpeg, tools.ffprobe]) {
    await copyFile(await realpath(path), join(lib, name))
    await chmod(join(lib, name), 0o755)
    const isFree = `case "$*" in *file:*) [ -e /etc/passwd ] && echo "not confined: $*" >&2 && exit 99;; esac`
    await writeFile(join(bin, name), `#!/bin/sh\n${isFree}\nexec ${join(lib, name)} "$@"\n`, { mode: 0o755 })
  }
  return { FFSWARM_FFMPEG: join(bin, 'ffmpeg'), FFSWARM_FFPROBE: join(bin, 'ffprobe') }
}

const isRoot = process.getuid?.() === 0
/** As whom a user's processes run: root's may look where others may not. Where others may not read this program it is tried as root. */
const NOBODY = isRoot ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []
const asUser = isRoot && !isAbleTo([...NOBODY, process.execPath, CLI, '--version']) ? [] : NOBODY

function isAbleTo([file = '', ...words]: readonly string[]): boolean {
  return spawnSync(file, words, { stdio: 'ignore' }).status === 0
}

test.skipIf(!hasSandbox)('all that an encode runs on files runs in the sandbox', async () => {
  const env = { ...(await toolsThatRefuseToBeFree()), FFSWARM_HOME: join(directory, 'home') }
  const source = join(directory, 'film.mp4')
  const clip = ['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25:duration=4']
  const sound = ['-f', 'lavfi', '-i', 'sine=duration=4']
  if (isRoot) await chmod(directory, 0o777)
  await ffmpeg(...clip, ...sound, '-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-g', '25', '-c:a', 'aac', source)
  for (const more of ['', ' -ss 1 -t 2 -c:a libmp3lame', ' -vf fps=10']) {
    const params = `-c:v libx264 -preset ultrafast${more}`
    const words = ['--params', params, '--verify', 'full', '--segment-time', '1', '-y', ...LOOPBACK]
    const ended = await runCli(
      ['encode', source, '-o', join(directory, 'out.mkv'), '--sandbox', 'require', ...words],
      { env, launcher: asUser },
    )
    expect(ended.stderr).not.toContain('not confined')
    expect(ended.exitCode, ended.stderr).toBe(0)
  }
  const free = await runCli(
    ['encode', source, '-o', join(directory, 'free.mkv'), '--sandbox', 'off', ...LOOPBACK],
    {
      env,
    },
  )
  expect(free).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('not confined') })
})

test('none is made where none is wanted', async () => {
  const opened = await openSandbox(tools, init('off'), { signal })
  expect(opened).toMatchObject({ kind: undefined, reason: expect.stringMatching(/--sandbox off/) })
})
