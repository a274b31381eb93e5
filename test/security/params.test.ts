/** Params as a hostile coordinator sends them: whatever names a file, an address, a device, a plugin or another output is refused. */
import { describe, expect, test } from 'vitest'
import { MediaError, parseParams, readEncoder } from '../../src/media/index.ts'
import { tools } from '../helpers/ffmpeg.ts'
import { filtered, hostileParams, X264 } from './hostile-params.ts'

/** As a worker reads an offer's. */
async function read(words: readonly string[]): Promise<void> {
  await parseParams(words, {
    defaultEncoder: '',
    scope: 'segment',
    ffmpegPath: tools.ffmpeg.path,
    findEncoder: (name) => readEncoder(tools.ffmpeg, name, {}),
  })
}

const { filters, options, encoders } = hostileParams('/etc/passwd', '/tmp/canary')

async function refusal(words: readonly string[]): Promise<string> {
  try {
    await read(words)
    return 'taken'
  } catch (error) {
    return error instanceof MediaError ? error.code : String(error)
  }
}

const REFUSED = /^(PARAMS_INVALID|ENCODER_MISSING)$/

describe('a worker does not take', () => {
  test.each(filters)('the filter %s', async (filter) => {
    expect(await refusal(filtered(filter))).toMatch(REFUSED)
  })

  test.each(options.map((words) => [words.join(' '), words] as const))('the option %s', async (_, words) => {
    expect(await refusal([...X264, ...words])).toMatch(REFUSED)
  })

  test.each(encoders.map((words) => [words.join(' '), words] as const))(
    'of an encoder %s',
    async (_, words) => {
      expect(await refusal(words)).toMatch(REFUSED)
    },
  )
})

test('what is plain is taken', async () => {
  await read([
    ...X264,
    '-preset',
    'fast',
    '-crf',
    '20',
    '-filter:v',
    'scale=640:-2,hflip',
    '-x264-params',
    'keyint=48',
  ])
})
