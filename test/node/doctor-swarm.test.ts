/** What doctor says of the swarm, of what it has seen. */
import { describe, expect, test } from 'vitest'
import { clockCheck, firewallCheck, multicastCheck, nodesCheck } from '../../src/node/doctor-swarm.ts'
import { SOFTWARE } from '../../src/node/version.ts'

const seen = { name: 'attic', software: SOFTWARE, ffmpeg: '7.0', aheadMs: 0 }
const heard = { failure: undefined, itself: true, others: 2 }

describe('multicast', () => {
  test.each([
    [heard, 0, 'ok', '2 other machines'],
    [{ ...heard, others: 0 }, 0, 'warning', 'nobody else answers'],
    [{ ...heard, others: 0 }, 1, 'ok', 'nobody else answers'],
    [{ ...heard, itself: false }, 1, 'warning', 'does not come back'],
    [{ ...heard, failure: 'bind EADDRINUSE' }, 1, 'warning', 'disallow-other-stacks'],
  ] as const)('%j with %d nodes', (what, nodes, state, words) => {
    expect(multicastCheck(what, nodes)).toMatchObject({ state, detail: expect.stringContaining(words) })
  })
})

describe('a firewall', () => {
  const none = { platform: 'linux', hasUfw: false, hasFirewalld: false } as const
  test.each([
    [{ ...none, hasUfw: true }, 0, 'warning', 'sudo ufw allow 5353/udp'],
    [{ ...none, hasUfw: true }, 1, 'ok', 'ufw is on'],
    [{ ...none, hasFirewalld: true }, 0, 'warning', 'firewall-cmd'],
    [{ ...none, platform: 'win32' }, 0, 'ok', 'private networks'],
    [none, 0, 'ok', 'neither'],
  ] as const)('%j with %d nodes', (what, nodes, state, words) => {
    expect(firewallCheck(what, nodes)).toMatchObject({ state, detail: expect.stringContaining(words) })
  })
})

describe('nodes', () => {
  test('of this version are well', () => {
    expect(nodesCheck([seen], [])).toMatchObject({ state: 'ok', detail: expect.stringContaining('attic') })
  })

  test('of others are to be brought to one', () => {
    const check = nodesCheck([seen, { ...seen, name: 'old', software: 'ffswarm/0.0.1' }], [])
    expect(check).toMatchObject({ state: 'warning', detail: expect.stringContaining('ffswarm/0.0.1') })
    expect(check.detail).toContain('install one version everywhere')
  })

  test('of another key are told of', () => {
    const check = nodesCheck([], ['/ip4/10.0.0.5/tcp/4001'])
    expect(check).toMatchObject({ state: 'warning', detail: expect.stringContaining('10.0.0.5') })
    expect(nodesCheck([], [])).toMatchObject({ state: 'ok', detail: expect.stringContaining('ffswarm join') })
  })
})

describe('clocks', () => {
  const now = Date.UTC(2026, 10, 28)
  test.each([
    [[], 0, 'ok', '2026-11-28T00:00:00Z'],
    [[seen], 0, 'ok', 'that of the other node'],
    [[seen, { ...seen, aheadMs: -90_000 }], 0, 'warning', '90 s behind'],
    [[{ ...seen, aheadMs: 3_600_000 }], 0, 'warning', '3600 s ahead'],
    [[{ ...seen, aheadMs: undefined }], 0, 'ok', '2026'],
    [[], now + 1, 'warning', 'set it'],
  ] as const)('%j', (peers, program, state, words) => {
    expect(clockCheck(peers, now, program)).toMatchObject({ state, detail: expect.stringContaining(words) })
  })
})
