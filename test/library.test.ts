/** The library as its users have it: by its name, from the built package, in programs of their own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createNode, type JobEvent, PRESETS, VERSION, verify } from '../src/index.ts'
import { decodedFrames, ffmpeg } from './helpers/ffmpeg.ts'

let directory = ''
let clip = ''
const running: ChildProcess[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ffswarm-library-'))
  clip = join(directory, 'clip.mkv')
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=160x96:rate=25:duration=3', '-c:v', 'ffv1', clip)
})
afterAll(async () => await rm(directory, { recursive: true, force: true }))
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})

/** Starts one of the examples, which import `ffswarm`. */
function example(name: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const path = fileURLToPath(new URL(`../examples/${name}.mjs`, import.meta.url))
  const home = join(directory, `home-${name}`)
  const child = spawn(process.execPath, [path, ...args], {
    env: { ...process.env, FFSWARM_HOME: home, ...env },
  })
  running.push(child)
  let said = ''
  child.stdout.on('data', (bytes) => (said += bytes))
  child.stderr.on('data', (bytes) => (said += bytes))
  return { child, said: () => said }
}

describe('the examples', () => {
  test('work together: one encodes for the other, exactly', async () => {
    const worker = example('worker', ['0', '24'], { FFSWARM_LISTEN: '/ip4/127.0.0.1/tcp/0' })
    await expect.poll(worker.said, { timeout: 20_000 }).toMatch(/ready: \S+/)
    const address = /ready: (\S+)/.exec(worker.said())?.[1] ?? ''
    const output = join(directory, 'example.mkv')
    const encode = example('encode', [clip, output, '-c:v ffv1'], { FFSWARM_CONNECT: address })
    await once(encode.child, 'exit')
    expect(encode.child.exitCode, encode.said()).toBe(0)
    expect(await decodedFrames(output)).toEqual(await decodedFrames(clip))
    expect(worker.said()).toMatch(/segment \d+: acknowledged/)
    worker.child.kill('SIGTERM')
    await once(worker.child, 'exit')
    expect(worker.child.exitCode, worker.said()).toBe(0)
  })

  test('say what is wrong by its code', async () => {
    const encode = example('encode', [join(directory, 'none.mkv'), 'x.mp4'], {
      FFSWARM_CONNECT: '127.0.0.1:9',
    })
    await once(encode.child, 'exit')
    expect(encode.child.exitCode).toBe(1)
    expect(encode.said()).toMatch(/^INPUT_MISSING: .*none\.mkv/m)
  })
})

describe('a node', () => {
  const quiet = () => ({ dataDir: join(directory, 'home'), mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'] })

  test('encodes, tells what happens, writes a report, and is gone when it is disposed of', async () => {
    const events: JobEvent[] = []
    const [output, report] = [join(directory, 'node.mp4'), join(directory, 'node.html')]
    await using node = await createNode(quiet())
    expect(node.addresses[0]).toContain(node.id)
    expect(await node.peers()).toEqual([])
    const done = await node.encode(clip, output, {
      ...{ params: '-c:v libx264 -qp 0 -preset ultrafast', segmentSeconds: 1, report },
      onEvent: (event) => events.push(event),
    })
    expect(done).toMatchObject({ frames: 75, output })
    expect(events.at(-1)).toEqual(done)
    expect(readFileSync(report, 'utf8')).toMatch(/^<!doctype html>/)
    expect(await verify(output, clip, { report })).toMatchObject({ verdict: 'exact', level: 'full' })
  })

  test('ends a job by its signal, and goes on with it', async () => {
    await using node = await createNode(quiet())
    const over = new AbortController()
    const output = join(directory, 'again.mkv')
    const slow = { params: '-c:v libx264 -preset veryslow -threads 1', segmentSeconds: 1 }
    const first = node.encode(clip, output, {
      ...{ ...slow, signal: over.signal },
      onEvent: ({ event, ...more }) => {
        if (event === 'segment' && 'state' in more && more.state === 'verified')
          over.abort(new Error('enough'))
      },
    })
    await expect(first).rejects.toThrow('enough')
    expect(existsSync(output)).toBe(false)
    const events: JobEvent[] = []
    await node.encode(clip, output, { ...slow, onEvent: (event) => events.push(event) })
    expect(events.find(({ event }) => event === 'resumed')).toMatchObject({ frames: expect.any(Number) })
  })
})

test('its version is the package’s, and presets are there', () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  expect(VERSION).toBe(version)
  expect(PRESETS.length).toBeGreaterThan(3)
})
