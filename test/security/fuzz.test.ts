/**
 * Whatever bytes, values and words come in: each is read or refused by its kind of error, within its time. `npm run fuzz` plays for as
 * long as it is told; a failure names its seed, and FUZZ_SEED plays it again.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MediaError, parseParams, splitParams } from '../../src/media/index.ts'
import { parseKey } from '../../src/node/key/index.ts'
import { NetworkError } from '../../src/node/network-error.ts'
import { blobStatusOf } from '../../src/protocols/blob/messages.ts'
import { ProtocolError } from '../../src/protocols/errors.ts'
import { decodeMessage, encodeMessage } from '../../src/protocols/messages.ts'
import { MESSAGES } from './messages.ts'

const SECONDS = Number(process.env.FUZZ_SECONDS ?? 0)
const SEED = process.env.FUZZ_SEED === undefined ? undefined : Number(process.env.FUZZ_SEED)

const LIMITS = {
  ...(SEED === undefined ? {} : { seed: SEED }),
  ...(SECONDS > 0 ? { numRuns: 1e9, interruptAfterTimeLimit: SECONDS * 1000 } : { numRuns: 400 }),
}
const TIMEOUT = { timeout: (SECONDS + 120) * 1000 }
/** No message takes longer to be read or refused, of the CPU: others may have it meanwhile. */
const SLOW_MS = 250

function cpuMsSince(began: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(began)
  return (user + system) / 1000
}

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value) ?? 'null')

/** The message with something else in one place of it. */
function changed(message: object): fc.Arbitrary<unknown> {
  const places = placesIn(message)
  return fc.tuple(fc.constantFrom(...places), fc.anything()).map(([place, value]) => {
    const copy = structuredClone(message) as Record<string, unknown>
    let inner: Record<string, unknown> = copy
    for (const name of place.slice(0, -1)) inner = inner[name] as Record<string, unknown>
    inner[place.at(-1) ?? ''] = value
    return copy
  })
}

function placesIn(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return path.length === 0 ? [] : [path]
  const inner = Object.entries(value).flatMap(([name, child]) => placesIn(child, [...path, name]))
  return path.length === 0 ? inner : [path, ...inner]
}

const odd = fc.oneof(
  fc.string({ maxLength: 5_000 }),
  fc.constantFrom('__proto__', 'constructor', '\u0000', '\u202e', '../../x', '1e999', '9'.repeat(400)),
)

describe.each(Object.entries(MESSAGES))('a message (%s)', (_, [schema, message]) => {
  const read = (bytes: Uint8Array) => {
    const began = process.cpuUsage()
    try {
      const value = decodeMessage(bytes, schema)
      // Whatever is taken could have been sent.
      expect(decodeMessage(encodeMessage(schema, value as never), schema)).toEqual(value)
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError)
      expect((error as ProtocolError).code).toBe('MESSAGE_INVALID')
      expect((error as ProtocolError).message).not.toMatch(/\p{Cc}/u)
    }
    expect(cpuMsSince(began)).toBeLessThan(SLOW_MS)
  }

  test('that is right is taken', () => {
    decodeMessage(json(message), schema)
  })

  test('of any bytes is read or refused', TIMEOUT, () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 4_096 }), read), LIMITS)
  })

  test('of any value is read or refused', TIMEOUT, () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json({ maxDepth: 6 }),
          odd.map((text) => JSON.stringify(text)),
        ),
        (text) => read(new TextEncoder().encode(text)),
      ),
      LIMITS,
    )
  })

  test('that is right but for one place is read or refused', TIMEOUT, () => {
    fc.assert(
      fc.property(changed(message), (value) => {
        let bytes: Uint8Array
        try {
          bytes = json(value)
        } catch {
          // What JSON cannot say is not sent either.
          return
        }
        read(bytes)
      }),
      LIMITS,
    )
  })
})

test('any byte is a status of a blob or none', () => {
  fc.assert(
    fc.property(fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }), (byte) => {
      blobStatusOf(byte)
    }),
    LIMITS,
  )
})

const WORDS = [
  ...[
    '-c:v',
    '-c',
    '-filter:v',
    '-vf',
    '-preset',
    '-crf',
    '-g',
    '-b:v',
    '-pix_fmt',
    '-x264-params',
    '-map',
    '-i',
    '-f',
    '-ss',
    '-t',
    '-r',
  ],
  ...[
    'libx264',
    'copy',
    'scale=2:2',
    'null,null',
    "a='b",
    'x=y:z',
    '0:v',
    '-1',
    '1e9',
    'NaN',
    '',
    '--',
    '-',
    ':',
    '=',
    ';',
    ',',
    '[a]',
    '\\',
    "'",
  ],
] as const

const word = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...WORDS) }, odd)

const ENCODER = { name: 'libx264', options: new Set(['preset', 'crf', 'x264-params']) } as never

describe('params', () => {
  test.each(['segment', 'job'] as const)('of any words are read or refused (%s)', TIMEOUT, async (scope) => {
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 12 }), async (words) => {
        const began = process.cpuUsage()
        try {
          const { video, filters } = await parseParams(words, {
            ...{ defaultEncoder: 'libx264', scope, ffmpegPath: 'ffmpeg' },
            findEncoder: async (name) => (name === 'libx264' ? ENCODER : undefined),
          })
          // Nothing that ffmpeg would take for another file stands alone.
          expect(video.filter((_, at) => at % 2 === 0 && !video[at]?.startsWith('-'))).toEqual([])
          expect(filters.text).not.toMatch(/movie=|;|\[/)
        } catch (error) {
          expect(error).toBeInstanceOf(MediaError)
        }
        expect(cpuMsSince(began)).toBeLessThan(SLOW_MS)
      }),
      LIMITS,
    )
  })

  test('of any text are split or refused', TIMEOUT, () => {
    fc.assert(
      fc.property(odd, (text) => {
        try {
          splitParams(text)
        } catch (error) {
          expect(error).toBeInstanceOf(MediaError)
        }
      }),
      LIMITS,
    )
  })
})

test('a key of any text is taken or refused, and never repeated', TIMEOUT, () => {
  fc.assert(
    fc.property(odd, (text) => {
      try {
        expect(parseKey(parseKey(text))).toBe(parseKey(text))
      } catch (error) {
        expect(error).toBeInstanceOf(NetworkError)
        // A word of what is said of every key may be typed as one.
        const [word] = /^[\w' ]{1,24}$/.exec(text) ?? []
        if (text.length > 3 && word === undefined) expect((error as NetworkError).message).not.toContain(text)
      }
    }),
    LIMITS,
  )
})
