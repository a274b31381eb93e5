import type { Connection, Stream } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { limitRate } from '../../src/protocols/rate-limit.ts'

const stream = { protocol: '/test' } as Stream

function connectionOf(peer: string) {
  const aborted: Error[] = []
  const connection = {
    remotePeer: { toString: () => peer },
    abort: (reason: Error) => void aborted.push(reason),
  } as unknown as Connection
  return { connection, aborted }
}

test('a peer that opens too many streams in a second loses its connection, and no other does', async () => {
  let handled = 0
  const handler = limitRate(() => void handled++, 3)
  const [hasty, honest] = [connectionOf('hasty'), connectionOf('honest')]
  for (let opened = 0; opened < 3; opened++) await handler(stream, hasty.connection)
  expect([handled, hasty.aborted.length]).toEqual([3, 0])
  await handler(stream, hasty.connection)
  expect([handled, hasty.aborted.length]).toEqual([3, 1])
  // Another connection does not help it.
  const again = connectionOf('hasty')
  await handler(stream, again.connection)
  expect([handled, again.aborted.length]).toEqual([3, 1])
  await handler(stream, honest.connection)
  expect([handled, honest.aborted.length]).toEqual([4, 0])
})
