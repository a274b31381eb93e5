import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { parseAddress, toConnect } from '../../src/node/address.ts'

test.each([
  ['192.168.1.5:4001', '/ip4/192.168.1.5/tcp/4001'],
  ['[fd00::1]:4001', '/ip6/fd00::1/tcp/4001'],
  ['studio.local:4001', '/dns/studio.local/tcp/4001'],
  ['/ip4/10.0.0.1/tcp/80', '/ip4/10.0.0.1/tcp/80'],
])('%s is %s', (text, address) => {
  expect(parseAddress(text).toString()).toBe(address)
})

test.each([
  '',
  'host',
  'host:',
  ':4001',
  'host:99999',
  'a b:1',
  '/ip4/300.0.0.1/tcp/1',
  'host:4001/path',
  'u@host:1',
])('%o is no address', (text) => {
  expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID' }))
})

test('what others may type is told of the first address that they may reach', () => {
  const of = (...texts: string[]) => toConnect(texts.map((text) => multiaddr(text)))
  expect(
    of('/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWHjaPSuV6kb7XtoFKyJVCHjFoDxLZdEjihyzAaPLQv1n8'),
  ).toBeUndefined()
  const local = '/ip4/192.168.1.20/tcp/4001/p2p/12D3KooWHjaPSuV6kb7XtoFKyJVCHjFoDxLZdEjihyzAaPLQv1n8'
  const told = of('/ip4/127.0.0.1/tcp/4001', '/ip6/::1/tcp/4001', local)
  expect(told).toBe('192.168.1.20:4001')
  expect(parseAddress(told ?? '').toString()).toBe('/ip4/192.168.1.20/tcp/4001')
})
