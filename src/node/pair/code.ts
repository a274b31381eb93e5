/** The code that a person reads on one machine and types on the other: two digits by which they find each other, and six that are secret. */
import { createHash, randomInt } from 'node:crypto'
import { NetworkError } from '../network-error.ts'

export interface PairCode {
  /** As it is shown: `48-217-365`. */
  readonly text: string
  readonly secret: string
  /** By which nodes that are being paired look for each other, hexadecimal. */
  readonly discoveryId: string
}

export function newCode(): PairCode {
  const digits = Array.from({ length: 8 }, () => randomInt(10)).join('')
  return toCode(digits)
}

/** @throws NetworkError PAIR_CODE_INVALID */
export function parseCode(text: string): PairCode {
  const digits = text.replace(/[\s-]/g, '')
  if (!/^[0-9]{8}$/.test(digits)) throw new NetworkError({ code: 'PAIR_CODE_INVALID' })
  return toCode(digits)
}

function toCode(digits: string): PairCode {
  const place = digits.slice(0, 2)
  return {
    text: `${place}-${digits.slice(2, 5)}-${digits.slice(5)}`,
    secret: digits,
    discoveryId: createHash('sha256').update(`ffswarm pair ${place}`).digest('hex'),
  }
}
