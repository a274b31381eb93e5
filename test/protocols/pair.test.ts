import { randomBytes } from 'node:crypto'
import type { PeerId, Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { describe, expect, test } from 'vitest'
import { Cpace, generatorOf } from '../../src/protocols/pair/cpace.ts'
import {
  PAIR_PROTOCOL,
  type Pair,
  type PairInit,
  type PairIntroduction,
  pair,
} from '../../src/protocols/pair/index.ts'
import { codeOf, connect, createNode } from './support/nodes.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')

describe('CPace', () => {
  // draft-irtf-cfrg-cpace, test vectors for ristretto255 and SHA-512.
  const DRAFT = {
    code: 'Password',
    channel: hex('0b415f696e69746961746f720b425f726573706f6e646572'),
    session: hex('7e4b4791d6a8ef019b936c79fb7f2c57'),
  }
  const YA = hex('da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08')
  const YB = hex('d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d')
  const ISK = hex(`b69effbf61b51d56401c0f65601abe428de8206feaaf0e32198896dcae7b35cd
    2b38950a39dfd5d4a79164614c2984f7daa460b588c1e80c3fa2068af7900447`)

  test('makes what the draft does', () => {
    expect(generatorOf(Buffer.from(DRAFT.code), DRAFT.channel, DRAFT.session)).toEqual(
      new Uint8Array(hex('222b6b195fe84b1652badb6f6a3ae3d24341e7306967f0b8115b40d5698c7e56')),
    )
    const a = new Cpace({ ...DRAFT, random: YA })
    const b = new Cpace({ ...DRAFT, random: YB })
    expect(Buffer.from(a.share)).toEqual(
      hex('d6bac480f2c386c394efc7c47adb9925dcd2630b64f240c50f8d0eec482b9157'),
    )
    expect(Buffer.from(b.share)).toEqual(
      hex('3ea7e0b19560d7c0b0f5734f63b955286dfa8232b5ebe63324e2d9e7433f7258'),
    )
    const sides = [
      { share: a.share, data: Buffer.from('ADa') },
      { share: b.share, data: Buffer.from('ADb') },
    ] as const
    expect(Buffer.from(a.finish(b.share, ...sides))).toEqual(ISK)
    expect(Buffer.from(b.finish(a.share, ...sides))).toEqual(ISK)
  })

  test.each([
    ['the neutral element', new Uint8Array(32)],
    ['no element', new Uint8Array(32).fill(0xff)],
    ['a negative element', hex('01'.padEnd(64, '0'))],
    ['too few bytes', new Uint8Array(31)],
    ['too many', new Uint8Array(33)],
  ])('refuses %s as a share', (_, share) => {
    const a = new Cpace({ ...DRAFT, random: YA })
    const side = { share: a.share, data: new Uint8Array() }
    expect(() => a.finish(share, side, side)).toThrow(RangeError)
  })

  test.each([
    ['code', { code: 'password' }],
    ['channel', { channel: hex('00') }],
    ['session', { session: hex('00') }],
  ])('comes to other keys with another %s', (_, other) => {
    const a = new Cpace({ ...DRAFT, random: YA })
    const b = new Cpace({ ...DRAFT, ...other, random: YB })
    const sides = [
      { share: a.share, data: new Uint8Array() },
      { share: b.share, data: new Uint8Array() },
    ] as const
    expect(a.finish(b.share, ...sides)).not.toEqual(b.finish(a.share, ...sides))
  })
})

const INTRODUCTION: PairIntroduction = { name: 'desk', peers: ['12D3KooWdesk'], key: null }

/** A machine that shows a code, and one on which a code is typed. */
async function machines(typed: string, shown = '48217365', init: Partial<PairInit> = {}) {
  const paired: PairIntroduction[] = []
  const refused: PeerId[] = []
  const random = (bytes: number) => new Uint8Array(randomBytes(bytes))
  const [host, guest] = await Promise.all([
    createNode<{ pair: Pair }>({
      pair: pair({
        code: shown,
        introduction: { name: 'attic', peers: ['12D3KooWattic'], key: 'a key' },
        random,
        onPaired: (_, theirs) => paired.push(theirs),
        onRefused: (peer) => refused.push(peer),
        ...init,
      }),
    }),
    createNode<{ pair: Pair }>({ pair: pair({ code: typed, introduction: INTRODUCTION, random }) }),
  ])
  await connect(guest, host)
  return { host, guest, paired, refused, introduce: () => guest.services.pair.introduce(host.peerId) }
}

test('who typed the code that is shown is told, and tells, who is there', async () => {
  const { introduce, paired, refused } = await machines('48217365')
  expect(await introduce()).toEqual({ name: 'attic', peers: ['12D3KooWattic'], key: 'a key' })
  await expect.poll(() => paired).toEqual([INTRODUCTION])
  expect(refused).toEqual([])
})

test('who typed another is told that alone, and each try is told to the other side', async () => {
  const { introduce, paired, refused, guest } = await machines('48217366')
  await expect(introduce()).rejects.toMatchObject({ failure: { code: 'REFUSED', reason: 'CODE' } })
  await expect(introduce()).rejects.toMatchObject({ failure: { code: 'REFUSED', reason: 'CODE' } })
  await expect.poll(() => refused.map(String)).toEqual([guest.peerId.toString(), guest.peerId.toString()])
  expect(paired).toEqual([])
})

test('a try counts whether or not its answer is waited for', async () => {
  const { guest, host, refused } = await machines('48217365')
  for (let count = 1; count <= 3; count++) {
    const stream = await guest.dialProtocol(host.peerId, PAIR_PROTOCOL)
    const messages = lpStream(stream)
    const { share } = new Cpace({
      code: '0',
      channel: hex('00'),
      session: hex('00'),
      random: randomBytes(32),
    })
    const opening = { session: 'ab'.repeat(16), share: Buffer.from(share).toString('hex') }
    await messages.write(Buffer.from(JSON.stringify(opening)))
    await messages.read()
    await messages.write(Buffer.from(JSON.stringify({ proof: 'ab'.repeat(32) })))
    stream.abort(new Error('enough'))
    await expect.poll(() => refused.length).toBe(count)
  }
})

test.each<[string, (stream: Stream) => unknown]>([
  ['goes away', (stream) => stream.abort(new Error('one guess'))],
  ['says nothing more', () => {}],
  ['answers with junk', async (stream) => await lpStream(stream).write(Buffer.from('{}'))],
])('who has seen the proof and %s has tried a code, and is not asked again', async (_, end) => {
  const { guest, host } = await machines('48217365')
  await host.unhandle(PAIR_PROTOCOL)
  await host.handle(PAIR_PROTOCOL, async (stream) => {
    const messages = lpStream(stream)
    await messages.read()
    const { share } = new Cpace({
      code: '0',
      channel: hex('00'),
      session: hex('00'),
      random: randomBytes(32),
    })
    await messages.write(Buffer.from(JSON.stringify({ share: Buffer.from(share).toString('hex') })))
    await messages.read()
    await end(stream)
  })
  await expect(guest.services.pair.introduce(host.peerId)).rejects.toMatchObject({
    failure: { code: 'REFUSED', reason: 'CODE' },
  })
})

test('a machine that shows no code answers nobody', async () => {
  const { guest, host } = await machines('48217365')
  const code = await codeOf(host.services.pair.introduce(guest.peerId))
  expect(['UNSUPPORTED_PROTOCOL', 'DISCONNECTED']).toContain(code)
})

test.each([
  ['a share that gives no secret', { session: '00'.repeat(16), share: '00'.repeat(32) }],
  ['a share of another length', { session: '00'.repeat(16), share: '00'.repeat(31) }],
  ['no session', { share: '00'.repeat(32) }],
  ['something else', 'hello'],
])('%s ends the conversation, is no try, and the next one is answered', async (_, opening) => {
  const { guest, host, introduce, refused, paired } = await machines('48217365')
  const stream = await guest.dialProtocol(host.peerId, PAIR_PROTOCOL)
  const messages = lpStream(stream)
  await messages.write(Buffer.from(JSON.stringify(opening)))
  // A share comes back before the other's has been looked at.
  await expect(messages.read().then(() => messages.read())).rejects.toThrow()
  await introduce()
  await expect.poll(() => paired).toHaveLength(1)
  expect(refused).toEqual([])
})

test('what another machine says of itself is bounded and fit for a terminal', async () => {
  const name = `\x1b[31m${'x'.repeat(200)}`
  const long = await machines('48217365', '48217365', {
    introduction: { name, peers: ['12D3KooWattic'], key: null },
  })
  expect((await long.introduce()).name).toMatch(/^\[31mx{60}$/)
  const many = await machines('48217365', '48217365', {
    introduction: { name: 'x', peers: Array.from({ length: 9 }, () => '12D3KooWattic'), key: null },
  })
  expect(await codeOf(many.introduce())).not.toBe('no failure')
})
