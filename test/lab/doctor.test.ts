/** Doctor on a network of its own: it hears the others, or says what holds them back. */
import '../helpers/fast-tools.ts'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../helpers/cli.ts'
import { makeLonelyHost, makeSwitchedHosts, type Network, whyNoNamespaces } from '../helpers/namespaces.ts'
import { newHome, startWorker, useLab } from '../helpers/swarm.ts'

const lab = useLab()
const reason = await whyNoNamespaces()
if (reason !== undefined) process.stderr.write(`skipped, doctor on a network: ${reason}\n`)

async function doctorOn(launcher: readonly string[], ...args: string[]) {
  const { stdout, exitCode, stderr } = await runCli(['doctor', '--json', '--timeout', '2', ...args], {
    launcher,
    env: { FFSWARM_HOME: await newHome(lab) },
  })
  expect(exitCode, stderr).toBe(0)
  const checks = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  return (name: string) => checks.find((check) => check.name === name)
}

describe.skipIf(reason !== undefined)('doctor', () => {
  let network: Network | undefined
  beforeAll(async () => {
    network = await makeSwitchedHosts(2)
  })
  afterAll(async () => await network?.remove())
  const launcher = (place: number) => network?.hosts[place]?.launcher ?? []

  test('hears another host, and says who is there, in which version', async () => {
    await startWorker(lab, { launcher: launcher(1), args: [], name: 'attic' })
    const check = await doctorOn(launcher(0))
    expect(check('multicast DNS')).toMatchObject({
      state: 'ok',
      detail: expect.stringMatching(/1 other machine/),
    })
    expect(check('nodes')).toMatchObject({ state: 'ok', detail: expect.stringMatching(/^attic \(ffswarm\//) })
    expect(check('clock')).toMatchObject({ state: 'ok', detail: expect.stringContaining('the other node') })
  })

  test('says that a node has another key', async () => {
    const env = { FFSWARM_KEY: 'uqj2-tabu-oz7h-mnlk-hm7r-ovme-7vf7' }
    const { addresses } = await startWorker(lab, { launcher: launcher(1), args: [], env })
    const address = addresses.find((known) => !known.includes('127.0.0.1')) ?? ''
    const check = await doctorOn(launcher(0), '--connect', address)
    expect(check('nodes')).toMatchObject({ state: 'warning', detail: expect.stringContaining('another key') })
  })

  test('says that another program keeps multicast DNS to itself', async () => {
    const lonely = await makeLonelyHost()
    const [program = '', ...words] = lonely.hosts[0]?.launcher ?? []
    const holder = spawn(program, [...words, process.execPath, '-e', HOLD_PORT], { stdio: 'pipe' })
    try {
      await once(holder.stdout, 'data')
      const check = await doctorOn(lonely.hosts[0]?.launcher ?? [])
      expect(check('multicast DNS')).toMatchObject({
        state: 'warning',
        detail: expect.stringMatching(/EADDRINUSE.*disallow-other-stacks/),
      })
    } finally {
      holder.kill('SIGKILL')
      await once(holder, 'exit')
      await lonely.remove()
    }
  })
})

const HOLD_PORT = "require('dgram').createSocket('udp4').bind(5353, () => console.log('held'))"
