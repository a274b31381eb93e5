import { expect, test } from 'vitest'
import { parseAddress } from '../../src/node/address.ts'

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
