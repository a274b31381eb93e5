/**
 * The key of a closed swarm. One that this program makes has 120 bits of chance and is used as it is; one of a person's making is stretched,
 * since whoever listens to a handshake can try keys against it at home.
 */
import { createHash, hkdf, randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { toString as encode } from 'uint8arrays'
import { NetworkError } from '../network-error.ts'

const GROUPS = 6
const GROUP_LETTERS = 4
/** The last group is a checksum, so that a slip of the pen is told from a wrong key. */
const MADE = /^[a-z2-7]{4}(-[a-z2-7]{4}){6}$/
const TYPED_LENGTH_MIN = 12
const TYPED_LENGTH_MAX = 256

/** What a key is turned into: nothing of it leads back. */
export interface SwarmSecrets {
  /** Part of each handshake: whoever has another cannot complete it. */
  readonly prologue: Uint8Array
  /** By which nodes of one key find each other, 40 bits of hexadecimal digits. */
  readonly discoveryId: string
}

/** @returns such as `k3fq-…`: 24 letters and a checksum of four */
export function newKey(): string {
  const letters = encode(randomBytes(15), 'base32')
  const body = letters.match(new RegExp(`.{${GROUP_LETTERS}}`, 'g')) ?? []
  return [...body.slice(0, GROUPS), checksumOf(letters)].join('-')
}

/**
 * The key as it is used, from what was typed or stored.
 *
 * @throws NetworkError KEY_INVALID
 */
export function parseKey(text: string): string {
  const trimmed = text.trim().normalize('NFKC')
  const lower = trimmed.toLowerCase()
  if (MADE.test(lower)) {
    const groups = lower.split('-')
    if (checksumOf(groups.slice(0, -1).join('')) === groups.at(-1)) return lower
    throw new NetworkError({
      code: 'KEY_INVALID',
      detail: 'it looks like one of ours and has a letter wrong',
    })
  }
  // A variable that was forgotten to be set must not open the swarm.
  if (trimmed === '') {
    throw new NetworkError({ code: 'KEY_INVALID', detail: "it is empty; 'none' stands for an open swarm" })
  }
  if (trimmed.length < TYPED_LENGTH_MIN) {
    const detail = `it has fewer than ${TYPED_LENGTH_MIN} characters, which can be guessed`
    throw new NetworkError({ code: 'KEY_INVALID', detail })
  }
  if (/\p{Cc}/u.test(trimmed)) {
    throw new NetworkError({
      code: 'KEY_INVALID',
      detail: 'it has more than one line, or control characters',
    })
  }
  if (trimmed.length > TYPED_LENGTH_MAX) {
    throw new NetworkError({ code: 'KEY_INVALID', detail: `it has more than ${TYPED_LENGTH_MAX} characters` })
  }
  return trimmed
}

/** @param key as of {@link parseKey} @param swarm whose name sets swarms of one key apart */
export async function deriveSecrets(key: string, swarm: string): Promise<SwarmSecrets> {
  const strong = MADE.test(key) ? Buffer.from(key) : await stretch(key, SALT, 32, STRETCHING)
  const derive = async (purpose: string, bytes: number) =>
    new Uint8Array(await expand('sha256', strong, SALT, `${purpose} ${swarm}`, bytes))
  const [prologue, discovery] = await Promise.all([derive('handshake', 32), derive('discovery', 5)])
  return { prologue, discoveryId: encode(discovery, 'hex') }
}

const SALT = 'ffswarm key 1'

/** 64 MB and a third of a second, once at a node's start. */
const STRETCHING = { N: 2 ** 16, r: 8, p: 1, maxmem: 2 ** 27 }

const stretch = promisify<string, string, number, typeof STRETCHING, Buffer>(scrypt)
const expand = promisify(hkdf)

function checksumOf(letters: string): string {
  return encode(createHash('sha256').update(letters).digest(), 'base32').slice(0, GROUP_LETTERS)
}
