import { describe, expect, test } from 'vitest'
import { MediaError } from '../../src/media/failure.ts'
import { NO_FILTERS } from '../../src/media/filters/index.ts'
import {
  type EncodeParams,
  keepsChapters,
  keepsMetadata,
  parseParams,
  splitParams,
  videoArguments,
} from '../../src/media/params/index.ts'

/** Encoders with the few private options that the tests use. */
const ENCODERS: Readonly<Record<string, readonly string[]>> = {
  libx264: ['preset', 'tune', 'crf', 'x264-params', 'x264opts', 'stats', 'passlogfile', 'aq-mode'],
  libsvtav1: ['preset', 'crf', 'svtav1-params'],
  libvpx: ['deadline', 'cpu-used'],
  libx265: ['x265-params'],
  mpeg2video: ['gop_timecode'],
  flac: ['lpc_type'],
  aac: ['aac_coder', 'profile'],
  libopus: ['vbr', 'application', 'compression_level'],
}

function parse(text: string, defaultEncoder = 'libx264'): Promise<EncodeParams> {
  return parseParams(splitParams(text), {
    defaultEncoder,
    ffmpegPath: '/usr/bin/ffmpeg',
    findEncoder: async (alias) => {
      const name = alias === 'h264' ? 'libx264' : alias
      return name in ENCODERS ? { name, options: new Set(ENCODERS[name]) } : undefined
    },
  })
}

async function failureOf(text: string): Promise<{ code: string; option?: string; detail?: string }> {
  try {
    await parse(text)
  } catch (error) {
    if (error instanceof MediaError) return error.failure
    throw error
  }
  throw new Error(`${text} was taken`)
}

describe('params are split as a shell does', () => {
  test.each([
    ['-c:v libx264 -crf 20', ['-c:v', 'libx264', '-crf', '20']],
    ['  -crf   20  ', ['-crf', '20']],
    [`-metadata title="A film"`, ['-metadata', 'title=A film']],
    [`-metadata 'title=it is "good"'`, ['-metadata', 'title=it is "good"']],
    ['-metadata title=A\\ film', ['-metadata', 'title=A film']],
    ['', []],
  ])('%s', (text, words) => {
    expect(splitParams(text)).toEqual(words)
  })

  test.each([`-c:v "libx264`, `-c:v 'libx264`])('and %s is an open quote', async (text) => {
    expect(await failureOf(text)).toMatchObject({
      code: 'PARAMS_INVALID',
      detail: expect.stringContaining('quote'),
    })
  })
})

describe('params are sorted by whom they are for', () => {
  test('the video’s go with the segments, the rest is used once', async () => {
    expect(
      await parse(
        '-c:v libsvtav1 -preset 6 -crf 30 -g 240 -c:a libopus -b:a 96k -c:s copy -movflags +faststart',
      ),
    ).toEqual({
      encoder: 'libsvtav1',
      filters: NO_FILTERS,
      forcedKeyframes: undefined,
      sync: undefined,
      trim: { startMicroseconds: undefined, durationMicroseconds: undefined },
      streams: { maps: [], without: [] },
      format: undefined,
      video: ['-c:v', 'libsvtav1', '-preset', '6', '-crf', '30', '-g', '240'],
      audio: ['-c:a', 'libopus', '-b:a', '96k'],
      subtitle: ['-c:s', 'copy'],
      output: ['-movflags', '+faststart'],
    })
  })

  test('without any, the container’s encoder is used', async () => {
    expect(await parse('', 'libvpx')).toEqual({
      encoder: 'libvpx',
      filters: NO_FILTERS,
      forcedKeyframes: undefined,
      sync: undefined,
      trim: { startMicroseconds: undefined, durationMicroseconds: undefined },
      streams: { maps: [], without: [] },
      format: undefined,
      video: ['-c:v', 'libvpx'],
      audio: [],
      subtitle: [],
      output: [],
    })
  })

  test.each([
    '-c:v libsvtav1',
    '-codec:v libsvtav1',
    '-vcodec libsvtav1',
    '-c:v:0 libsvtav1',
    '-c:V libsvtav1',
  ])('%s names the encoder', async (text) => {
    expect((await parse(text)).encoder).toBe('libsvtav1')
  })

  test('an encoder is called by its own name, whatever it was asked for as', async () => {
    const { encoder, video } = await parse('-crf 20 -c:v h264')
    expect(encoder).toBe('libx264')
    expect(video).toEqual(['-c:v', 'libx264', '-crf', '20'])
  })

  test('the last encoder named is the one', async () => {
    expect((await parse('-c:v libx264 -c:v libsvtav1')).encoder).toBe('libsvtav1')
  })

  test.each([
    ['-b:v 2M', 'video'],
    ['-b 2M', 'video'],
    ['-vb 2M', 'video'],
    ['-b:a 96k', 'audio'],
    ['-ab 96k', 'audio'],
    ['-b:a:1 96k', 'audio'],
    ['-profile:v high', 'video'],
    ['-profile:a aac_low', 'audio'],
    ['-ac 2', 'audio'],
    ['-ar 48000', 'audio'],
    ['-af volume=0.5', 'audio'],
    ['-filter:a volume=0.5', 'audio'],
    ['-pix_fmt yuv420p', 'video'],
    ['-tag:v hvc1', 'video'],
    ['-disposition:s:0 forced', 'output'],
    ['-disposition:v:1 attached_pic', 'output'],
    ['-map_metadata -1', 'output'],
    ['-map_chapters -1', 'output'],
    ['-vtag hvc1', 'video'],
    ['-metadata title=x', 'output'],
    ['-metadata:s:a:0 language=deu', 'output'],
  ] as const)('%s is for %s', async (text, kind) => {
    expect((await parse(text))[kind]).toEqual(expect.arrayContaining(text.split(' ')))
  })

  test.each(['-vf', '-filter:v', '-filter:v:0'])(
    '%s is the chain of filters, the last one given',
    async (option) => {
      const { filters, video } = await parse(`-vf hqdn3d ${option} scale=640:-2`)
      expect(filters).toMatchObject({ text: 'scale=640:-2', history: 0, times: 'kept' })
      expect(video).toEqual(['-c:v', 'libx264'])
    },
  )

  test('an option of both encoders is the video’s unless it says otherwise', async () => {
    const params = await parse('-c:v libx264 -c:a aac -preset fast -aac_coder fast -profile:a aac_low')
    expect(params.video).toEqual(['-c:v', 'libx264', '-preset', 'fast'])
    expect(params.audio).toEqual(['-c:a', 'aac', '-aac_coder', 'fast', '-profile:a', 'aac_low'])
  })

  test('-strict without a specifier is for the audio encoder too', async () => {
    const params = await parse('-c:a aac -strict -2')
    expect(params.audio).toEqual(['-c:a', 'aac', '-strict:a', '-2'])
    expect(params.video).toEqual(['-c:v', 'libx264', '-strict', '-2'])
    expect((await parse('-strict -2')).audio).toEqual([])
  })

  test('a negative value is a value', async () => {
    expect((await parse('-c:v libvpx -cpu-used -5')).video).toEqual(['-c:v', 'libvpx', '-cpu-used', '-5'])
  })

  test('reading what was sorted gives the same: a worker reads what a coordinator wrote', async () => {
    const params = await parse('-crf 20 -vf scale=640:-2,unsharp -g 50 -c:a aac -x264-params aq-mode=3')
    const words = videoArguments(params)
    expect(words).toContain('scale=640:-2,unsharp')
    const again = await parse(words.map((word) => `'${word}'`).join(' '))
    expect(videoArguments(again)).toEqual(words)
    expect([...again.audio, ...again.subtitle, ...again.output]).toEqual([])
  })
})

describe('of the source’s tags and chapters', () => {
  test.each([
    ['', true, true],
    ['-map_metadata 0 -map_chapters 0', true, true],
    ['-map_metadata:g -1 -map_chapters -1 -map_chapters:g 0', true, true],
    ['-map_metadata -1 -map_metadata 0 -map_chapters 0 -map_chapters -1', false, false],
    ['-metadata title=x -map_metadata -1', false, true],
  ])('%s keeps tags: %s, chapters: %s', async (text, metadata, chapters) => {
    const params = await parse(text)
    expect([keepsMetadata(params), keepsChapters(params)]).toEqual([metadata, chapters])
  })
})

describe('forced keyframes', () => {
  test.each([
    ['2,1.5', { kind: 'times', microseconds: [1_500_000n, 2_000_000n] }, '1.500000,2.000000'],
    [
      'expr:gte(t,n_forced*2.5)',
      { kind: 'every', microseconds: 2_500_000n },
      'expr:gte(t,n_forced*2.500000)',
    ],
    ['source', { kind: 'source' }, 'source'],
  ])('%s', async (value, forcedKeyframes, written) => {
    const params = await parse(`-force_key_frames:v '${value}'`)
    expect(params.forcedKeyframes).toEqual(forcedKeyframes)
    expect(params.video).toEqual(['-c:v', 'libx264'])
    expect(videoArguments(params)).toEqual(['-c:v', 'libx264', '-force_key_frames:v', written])
  })
})

describe('a frame rate', () => {
  test.each([
    ['-r 30', ['-r:v', '30']],
    ['-r:v 30000/1001 -vsync 1', ['-r:v', '30000/1001', '-fps_mode:v', 'cfr']],
    ['-r ntsc', ['-r:v', 'ntsc']],
    ['-fps_mode vfr', ['-fps_mode:v', 'vfr']],
    ['-vsync cfr', ['-fps_mode:v', 'cfr']],
  ])('%s', async (text, words) => {
    expect((await parse(text)).sync?.arguments).toEqual(words)
  })

  test.each(['-fps_mode passthrough', '-vsync 0', ''])('%s leaves each frame its time', async (text) => {
    expect((await parse(text)).sync).toBeUndefined()
  })
})

describe('a part of the film', () => {
  test.each([
    ['-ss 10', 10_000_000n, undefined],
    ['-ss 1.5 -t 2', 1_500_000n, 2_000_000n],
    ['-t 90500ms', undefined, 90_500_000n],
    ['-t 250us', undefined, 250n],
    ['-ss 1:30.25', 90_250_000n, undefined],
    ['-ss 01:00:00', 3_600_000_000n, undefined],
    ['-ss 0.1234567', 123_456n, undefined],
    ['-ss 5 -to 12', 5_000_000n, 7_000_000n],
    ['-to 12', undefined, 12_000_000n],
    ['-ss 5 -to 12 -t 1', 5_000_000n, 1_000_000n],
    ['-t 1 -t 2', undefined, 2_000_000n],
  ])('%s', async (text, startMicroseconds, durationMicroseconds) => {
    expect((await parse(text)).trim).toEqual({ startMicroseconds, durationMicroseconds })
  })
})

test('-c copy is for what is not the video, whose encoder is named behind it', async () => {
  const params = await parse('-c copy -c:v libsvtav1 -c:a:1 aac')
  expect(params.encoder).toBe('libsvtav1')
  expect(params.audio).toEqual(['-c:a', 'copy', '-c:a:1', 'aac'])
  expect(params.subtitle).toEqual(['-c:s', 'copy'])
})

describe('a segment’s params, which come from another node', () => {
  const options = {
    scope: 'segment',
    defaultEncoder: '',
    ffmpegPath: '',
    findEncoder: async (name: string) => ({ name, options: new Set(ENCODERS[name]) }),
  } as const

  test.each([
    '-an',
    '-ss 1',
    '-map 0',
    '-f mp4',
    '-c copy',
    '-b:a 96k',
    '-metadata a=b',
    '-c:s srt',
    '-movflags x',
  ])('may not hold %s', async (text) => {
    const reading = parseParams(splitParams(`-c:v libx264 ${text}`), options)
    await expect(reading).rejects.toMatchObject({ code: 'PARAMS_INVALID' })
  })

  test('are the video’s', async () => {
    const params = await parseParams(splitParams('-c:v libx264 -crf 20 -vf hflip'), options)
    expect(videoArguments(params)).toEqual(['-c:v', 'libx264', '-crf', '20', '-filter:v', 'hflip'])
  })
})

test.each([['apad=pad_len=100'], ['apad=4096:0'], ['apad=whole_dur=7'], ['aloop=2:48000'], ['apad -t 3']])(
  'audio that ends is taken: -af %s',
  async (filters) => {
    expect((await parse(`-af ${filters}`)).audio).toContain('-af')
  },
)

describe('params are refused', () => {
  test.each([
    ['film.mp4', 'film.mp4'],
    ['-crf', '-crf'],
    ['-frobnicate 1', '-frobnicate'],
    ['-c copy', '-c'],
    ['-c:v copy', '-c:v copy'],
    ['-b:v:1 2M', '-b:v:1'],
    ['-b:d 2M', '-b:d'],
    ['-crf:p:1 20', '-crf:p:1'],
    ['-deadline good', '-deadline'],
    ['-vn', '-vn'],
    ['-ss -10', '-ss'],
    ['-t soon', '-t'],
    ['-t 0', '-t'],
    ['-ss 10 -to 10', '-to'],
    ['-ss 1:75', '-ss'],
    ['-frames:v 10', '-frames'],
    ['-r fast', '-r'],
    ['-r 0/1', '-r'],
    ['-r 0', '-r'],
    ['-r 0.0', '-r'],
    ['-fps_mode drop', '-fps_mode'],
    ['-r 30 -fps_mode vfr', '-r'],
    ['-r 30 -vsync 0', '-r'],
    ['-enc_time_base 1/30', '-enc_time_base'],
    ['-pass 2', '-pass'],
    ['-force_key_frames expr:eq(n,3)', '-force_key_frames'],
    ['-force_key_frames chapters', '-force_key_frames'],
    ['-force_key_frames 1,soon', '-force_key_frames'],
    ['-c copy -c:a aac', '-c copy'],
    ['-c:v libx264 -c copy', '-c copy'],
    ['-map 1:v', '-map'],
    ['-map [out]', '-map'],
    ['-map 0:p:1', '-map'],
    ['-map 0:v:', '-map'],
    ['-map_metadata 1', '-map_metadata'],
    ['-map_metadata:s:v -1', '-map_metadata'],
    ['-map_chapters 1', '-map_chapters'],
    ['-disposition +default', '-disposition'],
    ['-disposition:v -default', '-disposition'],
    ['-i other.mp4', '-i'],
    ['-y', '-y'],
    ['-filter_complex [0:v]null', '-filter_complex'],
  ])('%s, and the option is named', async (text, option) => {
    const failure = await failureOf(text)
    expect(failure.code).toBe('PARAMS_INVALID')
    expect(failure.option).toContain(option)
    expect(failure.detail).not.toBe('')
  })

  test.each([
    ['-af apad', 'whole_dur'],
    ['-filter:a:0 volume=2,apad=packet_size=64', 'whole_dur'],
    ['-af apad=pad_len=-1', 'whole_dur'],
    ['-af aloop=-1:48000', 'aloop=loop=2'],
    ['-af aloop=size=48000:loop=-1', 'aloop=loop=2'],
    ['-hwaccel auto -c:v libx264', 'before ffmpeg'],
    ['-noautorotate -c:v libx264', 'before ffmpeg'],
    ['-re -c:v libx264', 'before ffmpeg'],
    ['-itsoffset 1', 'before ffmpeg'],
    ['-probesize 5M', 'before ffmpeg'],
    ['-fflags +genpts', 'leave it out'],
    ['-bsf:v h264_metadata=level=4', '-bsf:v'],
    ['-bsf:a aac_adtstoasc', '-c copy'],
    ['-timecode 01:00:00:00', '-metadata timecode'],
    ['-bitexact -c:v libx264', '-flags:v +bitexact'],
    ['-frobnicate -c:v libx264', 'leave it out'],
    ['-crf -c:v libx264', 'its value is missing'],
    ['-c:a aac -aac_coder -c:v libx264', 'its value is missing'],
  ])('%s, and what to do is said', async (text, remedy) => {
    const failure = await failureOf(text)
    expect(failure).toMatchObject({ code: 'PARAMS_INVALID', detail: expect.stringContaining(remedy) })
    expect(text).toContain(failure.option)
  })

  test('an encoder that is not there', async () => {
    expect(await failureOf('-c:v libx269')).toMatchObject({ code: 'ENCODER_MISSING', encoder: 'libx269' })
    expect(await failureOf('-c:a libfoo')).toMatchObject({ code: 'ENCODER_MISSING', encoder: 'libfoo' })
  })

  test('values longer than any that make sense', async () => {
    expect(await failureOf(`-x264-params ${'a'.repeat(5_000)}`)).toMatchObject({ code: 'PARAMS_INVALID' })
  })

  test.each([
    ['-stats /tmp/x'],
    ['-x264-params stats=/tmp/x'],
    ['-x264-params aq-mode=3:qpfile=/etc/passwd'],
    ['-x264-params cqmfile=/etc/passwd'],
    ['-x264-params tcfile-in=/etc/passwd'],
    ['-x264-params dump-yuv=/tmp/x'],
    ['-x264opts psnr:dump_yuv=/tmp/x'],
    ['-x264-params pass=2'],
    ['-x264-params zones=0,100,q=20'],
    ["-x264-params 'pa\\ss=1:s\\tats=x'"],
    ['-x264-params cqm=/etc/passwd'],
    ['-x264-params cqm=x'],
    ['-flags:v +pass1'],
    ['-flags +cgop+pass2'],
    ['-flags 512'],
    ['-c:v libx265 -x265-params --csv=x'],
    ['-c:v libx265 -x265-params --zones=0,10,q=51'],
    ['-c:v mpeg2video -gop_timecode 00:00:00:00'],
    ['-c:v libsvtav1 -svtav1-params enable-stat-report=1:stat-file=/tmp/x'],
    ['-c:v libsvtav1 -svtav1-params fgs-table=/etc/passwd'],
  ])('%s, which has to do with files or with the whole film', async (text) => {
    expect(await failureOf(text)).toMatchObject({ code: 'PARAMS_INVALID' })
  })

  test('not what ffmpeg gives to all encoders: the audio’s get it too', async () => {
    const { video, audio } = await parse('-c:v libx264 -c:a flac -compression_level 12')
    expect(video).toContain('-compression_level')
    expect(audio).toEqual(expect.arrayContaining(['-compression_level:a', '12']))
  })

  test('no ordinary encoder option by mistake', async () => {
    await expect(parse('-x264-params aq-mode=3:keyint=50:ref=4:profile=high')).resolves.toBeDefined()
    await expect(parse('-x264-params fps=24000/1001:sar=4/3 -flags +cgop+ilme')).resolves.toBeDefined()
    await expect(parse('-c:v libsvtav1 -svtav1-params tune=0:film-grain=8')).resolves.toBeDefined()
  })
})
