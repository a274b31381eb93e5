/**
 * CPace (draft-irtf-cfrg-cpace, suite CPACE-RISTR255-SHA512): both sides know a short code, and come to one key that whoever listened, or
 * stood between them, cannot try codes against. Group and hash are noble's and Node's; here is what the draft hashes, and in which order.
 */

import { createHash } from 'node:crypto'
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'

const DSI = Buffer.from('CPaceRistretto255')
const DSI_ISK = Buffer.from('CPaceRistretto255_ISK')
/** Of SHA-512. */
const BLOCK_BYTES = 128

export interface CpaceInit {
  /** What both know. */
  readonly code: string
  /** What both know of the channel, such as its ends. */
  readonly channel: Uint8Array
  /** Chosen for this one time. */
  readonly session: Uint8Array
  /** 32 bytes of chance that nobody else ever sees. */
  readonly random: Uint8Array
}

export interface Side {
  /** As it was sent. */
  readonly share: Uint8Array
  /** What it says of itself. */
  readonly data: Uint8Array
}

/** One side's part. */
export class Cpace {
  readonly share: Uint8Array
  readonly #scalar: bigint
  readonly #session: Uint8Array

  constructor({ code, channel, session, random }: CpaceInit) {
    this.#session = session
    this.#scalar = toScalar(random)
    const generator = fromShare(generatorOf(Buffer.from(code), channel, session))
    this.share = generator.multiply(this.#scalar).toBytes()
  }

  /**
   * The key that both come to if both know the code: 64 bytes.
   *
   * @param theirs whichever of the two is not this side
   * @throws RangeError where the other's share is none, or would give a key that everybody knows
   */
  finish(theirs: Uint8Array, initiator: Side, responder: Side): Uint8Array {
    const secret = fromShare(theirs).multiply(this.#scalar)
    if (secret.is0()) throw new RangeError('the share gives no secret')
    return hash([
      ...[prefixed(DSI_ISK), prefixed(this.#session), prefixed(secret.toBytes())],
      ...[initiator, responder].flatMap(({ share, data }) => [prefixed(share), prefixed(data)]),
    ])
  }
}

/** The code, padded to a block of the hash, decides the group's generator: 32 bytes. */
export function generatorOf(code: Uint8Array, channel: Uint8Array, session: Uint8Array): Uint8Array {
  const [first, second] = [prefixed(DSI), prefixed(code)]
  const padding = new Uint8Array(Math.max(0, BLOCK_BYTES - first.length - second.length - 1))
  const digest = hash([first, second, prefixed(padding), prefixed(channel), prefixed(session)])
  // Element derivation of RFC 9496, section 4.3.4.
  const { deriveToCurve } = ristretto255_hasher
  if (deriveToCurve === undefined) throw new Error('this group derives no elements')
  return deriveToCurve(digest).toBytes()
}

function fromShare(share: Uint8Array) {
  try {
    return ristretto255.Point.fromBytes(share)
  } catch (cause) {
    throw new RangeError('the share is no element of the group', { cause })
  }
}

/** 252 bits, little endian, as the draft recommends; zero, which nobody ever draws, would give nothing away. */
function toScalar(random: Uint8Array): bigint {
  if (random.length !== 32) throw new RangeError('32 bytes of chance are needed')
  const bytes = Buffer.from(random).reverse()
  bytes[0] = (bytes[0] ?? 0) & 0x0f
  return BigInt(`0x${bytes.toString('hex')}`)
}

function hash(parts: readonly Uint8Array[]): Uint8Array {
  const sha512 = createHash('sha512')
  for (const part of parts) sha512.update(part)
  return sha512.digest()
}

/** With its length in front, seven bits a byte, the least first. */
export function prefixed(bytes: Uint8Array): Uint8Array {
  const length: number[] = []
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest < 0x80 ? rest : (rest & 0x7f) | 0x80)
    if (rest < 0x80) break
  }
  return Buffer.concat([Buffer.from(length), bytes])
}
