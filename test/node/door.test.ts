import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, test } from 'vitest'
import { makeDoor } from '../../src/node/door.ts'

const newPeer = async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const [a, b] = await Promise.all([newPeer(), newPeer()])

test.each([
  ['nobody is named', undefined, undefined, [true, true]],
  ['some are allowed', [a.toString()], undefined, [true, false]],
  ['some are denied', undefined, [a.toString()], [false, true]],
  ['one is allowed and denied', [a.toString()], [a.toString()], [false, false]],
  ['one is written as a CID', [a.toCID().toString()], [], [true, false]],
])('where %s', (_, allow, deny, letIn) => {
  expect([a, b].map(makeDoor(allow, deny))).toEqual(letIn)
})

test('what is no PeerId is named', () => {
  expect(() => makeDoor(['attic'], undefined)).toThrow(/'attic' is no PeerId/)
})
