/** Machines that are paired by a code, and what comes of it. */
import '../helpers/fast-tools.ts'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LOOPBACK, runCli, startCli } from '../helpers/cli.ts'
import { makeLonelyHost, whyNoNamespaces } from '../helpers/namespaces.ts'
import {
  expectExact,
  LOSSLESS,
  makersOf,
  newHome,
  startEncode,
  startWorker,
  useLab,
} from '../helpers/swarm.ts'

const lab = useLab()

/** A machine that shows a code. */
async function showing(
  home: string,
  args: readonly string[] = LOOPBACK,
  options: { launcher?: readonly string[] } = {},
) {
  const process = startCli(['pair', '--json', '--name', 'attic', ...args], {
    ...options,
    env: { FFSWARM_HOME: home },
  })
  const { code, addresses } = await process.event(({ event }) => event === 'code')
  return { process, code: String(code), connect: ['--connect', String((addresses as string[])[0])] }
}

/** The code is typed on another machine. */
async function typing(home: string, words: readonly string[]) {
  return await runCli(['pair', '--json', '--name', 'desk', ...words, ...LOOPBACK], {
    env: { FFSWARM_HOME: home },
  })
}

const keyIn = async (home: string) => await readFile(join(home, 'key'), 'utf8')

test('they have one key then, which nobody typed, and work together', async () => {
  const [attic, desk] = [await newHome(lab), await newHome(lab)]
  const { process, code, connect } = await showing(attic)
  const typed = await typing(desk, [code, ...connect])
  expect([typed.exitCode, typed.stderr]).toEqual([0, ''])
  expect((await process.ended).exitCode).toBe(0)
  expect(process.events.at(-1)).toMatchObject({ event: 'paired', name: 'desk' })
  expect(typed.stdout).toContain('"name":"attic"')
  expect(await keyIn(attic)).toBe(await keyIn(desk))
  expect((await stat(join(desk, 'key'))).mode & 0o777).toBe(0o600)
  for (const { stdout } of [typed, await process.ended])
    expect(stdout).not.toContain((await keyIn(attic)).trim())

  const [paired, stranger] = await Promise.all([
    startWorker(lab, { home: attic, args: [...LOOPBACK, '--allow', 'paired'] }),
    startWorker(lab, {
      env: { FFSWARM_KEY: (await keyIn(attic)).trim() },
      args: [...LOOPBACK, '--allow', 'paired'],
    }),
  ])
  const job = await startEncode(lab, {
    params: LOSSLESS,
    home: desk,
    connect: [paired, stranger],
    args: ['--peers', '1', '--no-local', '--segment-time', '2'],
  })
  await expectExact(lab, job)
  // The other one has the key, and has not been paired.
  expect(makersOf(job)).toEqual([paired.peer])
})

test('another code is refused, and the right one still taken; after three the code is void', async () => {
  const [attic, desk] = [await newHome(lab), await newHome(lab)]
  const first = await showing(attic)
  const wrong = `${first.code.slice(0, 2)}-000-000`
  const refused = await typing(desk, [wrong, ...first.connect])
  expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('shows another code')])
  await expect(keyIn(desk)).rejects.toThrow()
  expect((await typing(desk, [first.code, ...first.connect])).exitCode).toBe(0)

  const second = await showing(attic)
  for (let count = 0; count < 3; count++) await typing(desk, [wrong, ...second.connect])
  const { exitCode, stderr } = await second.process.ended
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('somebody may be guessing')])
})

test('the key of another swarm is not replaced unasked', async () => {
  const [attic, desk] = [await newHome(lab), await newHome(lab)]
  await runCli(['key', 'new'], { env: { FFSWARM_HOME: desk } })
  const before = await keyIn(desk)
  const first = await showing(attic)
  const kept = await typing(desk, [first.code, ...first.connect])
  expect([kept.exitCode, kept.stderr]).toEqual([1, expect.stringContaining('-y replaces it')])
  expect(await keyIn(desk)).toBe(before)
  // The other side hears of no success, and its code is still good.
  expect(first.process.events.filter(({ event }) => event === 'paired')).toEqual([])
  expect((await typing(desk, [first.code, '-y', ...first.connect])).exitCode).toBe(0)
  expect((await first.process.ended).exitCode).toBe(0)
  expect(await keyIn(desk)).toBe(await keyIn(attic))
})

test('they are listed, and forgotten', async () => {
  const [attic, desk] = [await newHome(lab), await newHome(lab)]
  const { process, code, connect } = await showing(attic)
  await typing(desk, [code, ...connect])
  await process.ended
  const list = async (...args: string[]) => await runCli(['pair', ...args], { env: { FFSWARM_HOME: attic } })
  expect((await list('--list')).stdout).toMatch(/^paired: desk/)
  expect((await list('--forget', 'desk')).exitCode).toBe(0)
  expect((await list('--list')).stdout).toBe('')
  expect(await list('--forget', 'desk')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('--list'),
  })
  await writeFile(join(attic, 'paired.json'), '{')
  const damaged = await runCli(['join', '--allow', 'paired', ...LOOPBACK], { env: { FFSWARM_HOME: attic } })
  expect([damaged.exitCode, damaged.stderr]).toEqual([3, expect.stringContaining('paired.json')])
})

test.each(['', '12', '1234-567x', '123456789'])('%j is no code', async (code) => {
  const { exitCode, stderr } = await typing(await newHome(lab), [code])
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('eight digits')])
})

const reason = await whyNoNamespaces()
if (reason !== undefined) process.stderr.write(`skipped, pairing in a network: ${reason}\n`)

test.skipIf(reason !== undefined)('on a network they find each other by themselves', async () => {
  const network = await makeLonelyHost()
  try {
    const launcher = network.hosts[0]?.launcher ?? []
    const [attic, desk] = [await newHome(lab), await newHome(lab)]
    const shown = await showing(attic, [], { launcher })
    const { exitCode, stderr } = await runCli(['pair', shown.code, '--json'], {
      env: { FFSWARM_HOME: desk },
      launcher,
    })
    expect([exitCode, stderr]).toEqual([0, ''])
    expect((await shown.process.ended).exitCode).toBe(0)
  } finally {
    await network.remove()
  }
})
