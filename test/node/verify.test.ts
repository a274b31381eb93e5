/** `ffswarm verify`: what is broken is found, and what is right is not called broken, whoever encoded it and how badly. */
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { surroundings } from '../../src/node/surroundings.ts'
import { type VerifyRequest, verifyFile } from '../../src/node/verify.ts'
import {
  bPyramid,
  type Clip,
  clipIn,
  interlaced264Ts,
  interlacedMpeg2,
  lateStartMp4,
  lateVideoMp4,
  lateVideoTs,
  mpeg4Avi,
  offsetTs,
  programStream,
  variableRateMkv,
  variableRateMp4,
  whyNotMade,
} from '../helpers/clips.ts'
import { useDirectory } from '../helpers/exactness.ts'
import { ffmpeg } from '../helpers/ffmpeg.ts'
import { slug } from '../helpers/slug.ts'

const directory = useDirectory()
const PARAMS = '-c:v libx264 -preset veryfast -crf 26 -g 25'
const FRAMES = 100

async function verify(output: string, source: string, more: Partial<VerifyRequest> = {}) {
  const env = { ...process.env, FFSWARM_HOME: join(directory(), 'home') }
  const request = { outputPath: output, sourcePath: source, reportPath: undefined, level: 'full' as const }
  return await verifyFile(
    { ...surroundings(), env },
    { ...request, params: PARAMS, ...more },
    { signal: new AbortController().signal },
  )
}

let source = ''
let right = ''

beforeAll(async () => {
  source = join(directory(), 'source.mp4')
  right = join(directory(), 'right.mp4')
  await ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=size=320x180:rate=25:duration=${FRAMES / 25},scroll=horizontal=0.01`],
    ...['-f', 'lavfi', '-i', `sine=sample_rate=48000:duration=${FRAMES / 25}`],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '12', '-g', '20', '-c:a', 'aac', source],
  )
  await ffmpeg('-i', source, ...PARAMS.split(' '), '-c:a', 'copy', right)
})

/** Makes a file of the source that has other pictures, encoded as the right one. */
async function filtered(name: string, filter: string): Promise<string> {
  const path = join(directory(), `${name}.mp4`)
  await ffmpeg(
    ...['-i', source, '-vf', filter, ...PARAMS.split(' ')],
    ...['-fps_mode', 'passthrough', '-c:a', 'copy', path],
  )
  return path
}

/** Picture 0 to 99 at the places of 0 to 99, but for some. */
function shuffled(changes: Readonly<Record<number, number>>): string {
  return `shuffleframes=${Array.from({ length: FRAMES }, (_, at) => changes[at] ?? at).join(' ')}`
}

describe('a file as it must be', () => {
  test('is exact, with its figures', async () => {
    const verification = await verify(right, source)
    expect(verification.findings).toEqual([])
    expect(verification).toMatchObject({ verdict: 'exact', frames: FRAMES, audio: [{ stream: 1 }] })
    expect(verification.pictures?.compared).toBeGreaterThan(40)
  })

  test('is exact by its times alone, in a fraction of the time', async () => {
    expect(await verify(right, source, { level: 'times' })).toMatchObject({ verdict: 'exact' })
  })

  test.each([
    ['filters that change pictures', '-vf scale=160:-2,hflip', 'mkv'],
    ['no colours', '-pix_fmt gray', 'mkv'],
    ['a filter that changes times', '-vf fps=15', 'mp4'],
    ['audio encoded anew', '-c:a libopus', 'mkv'],
    ['audio encoded anew', '-c:a libmp3lame', 'mkv'],
    ['audio encoded anew', '-c:a ac3', 'mp4'],
    ['audio encoded anew', '-c:a aac', 'mp4'],
    ['audio left out', '-an', 'mp4'],
  ])('is exact with %s: %s in %s', async (_, more, container) => {
    const params = `${PARAMS} ${more}`
    const path = join(directory(), `more-${more.replace(/\W+/g, '')}.${container}`)
    const copy = /-an|-c:a/.test(more) ? [] : ['-c:a', 'copy']
    await ffmpeg('-i', source, ...params.split(' '), ...copy, path)
    expect((await verify(path, source, { params })).findings).toEqual([])
  })
})

describe('a broken file', () => {
  test('that lost a frame is found', async () => {
    const path = await filtered('lost', "select='not(eq(n,50))'")
    expect((await verify(path, source)).findings).toMatchObject([
      { code: 'OUTPUT_FRAMES', missing: 1, extra: 0, at: 50, seconds: 2 },
    ])
  })

  test('that shows a frame twice, one after the other, is found', async () => {
    const path = await filtered('twice', 'loop=loop=1:size=1:start=50,settb=1/25,setpts=N')
    expect((await verify(path, source)).findings).toMatchObject([{ code: 'OUTPUT_FRAMES', extra: 1 }])
  })

  test('that shows a frame in place of the next is found', async () => {
    const path = await filtered('doubled', shuffled({ 50: 49 }))
    expect((await verify(path, source)).findings).toMatchObject([
      { code: 'OUTPUT_PICTURE', at: 50, seconds: 2 },
    ])
  })

  test('with two frames swapped is found', async () => {
    const path = await filtered('swapped', shuffled({ 50: 51, 51: 50 }))
    expect((await verify(path, source)).findings).toMatchObject([
      { code: 'OUTPUT_PICTURE', at: 50 },
      { code: 'OUTPUT_PICTURE', at: 51 },
    ])
  })

  test('that stands still from a seam on is found', async () => {
    const path = await filtered('frozen', shuffled({ 50: 49, 51: 49, 52: 49 }))
    const { findings } = await verify(path, source)
    expect(findings.map((finding) => ('at' in finding ? finding.at : undefined))).toEqual([50, 51, 52])
  })

  test('with a grey frame at a seam is found, and the frame named', async () => {
    const path = await filtered('grey', "drawbox=color=gray:t=fill:enable='eq(n,50)'")
    expect((await verify(path, source)).findings).toMatchObject([
      { code: 'OUTPUT_PICTURE', kind: 'outlier', at: 50, seconds: 2 },
    ])
  })

  test('with paler colours is found', async () => {
    const path = await filtered('pale', 'hue=s=0.5')
    const { findings } = await verify(path, source)
    expect(findings[0]).toMatchObject({ code: 'OUTPUT_PICTURE', kind: 'colours', at: 0 })
  })

  test.each([
    ['of another size', '-vf scale=160:90', 'width is 160 instead of 320'],
    ['in another pixel format', '-pix_fmt yuv422p', 'pixel format is yuv422p instead of yuv420p'],
    ['with other colour tags', '-color_primaries bt2020', 'colour primaries is bt2020 instead of unknown'],
    ['in another shape', '-aspect 4:3', 'sample aspect ratio is 3:4 instead of 1:1'],
    ['of another codec', '-c:v mpeg4', 'codec is mpeg4 instead of h264'],
  ])('%s is found by what it says of itself', async (_, other, words) => {
    const path = join(directory(), `says-${slug(other)}.mp4`)
    await ffmpeg('-i', source, ...`${PARAMS} ${other}`.split(' '), '-c:a', 'copy', path)
    const { findings } = await verify(path, source, { level: 'times' })
    expect(findings.map(({ message }) => message).join()).toContain(words)
  })

  test('lighter by a tenth is found', async () => {
    const path = await filtered('light', 'eq=brightness=0.1')
    const { findings } = await verify(path, source)
    expect(findings[0]).toMatchObject({ code: 'OUTPUT_PICTURE', kind: 'outlier', at: 0 })
  })

  test.each([
    ['full', 'scale=in_range=tv:out_range=pc,setparams=range=tv'],
    ['limited', 'scale=in_range=pc:out_range=tv'],
  ])('whose levels became %s without a word is found', async (range, filter) => {
    const path = await filtered(`levels-${range}`, filter)
    const { findings } = await verify(path, source)
    expect(findings[0]).toMatchObject({ code: 'OUTPUT_PICTURE', kind: 'levels' })
  })

  test('with other sound of the same length is found', async () => {
    const path = join(directory(), 'hushed.mp4')
    await ffmpeg('-i', right, '-c:v', 'copy', '-c:a', 'aac', '-af', 'volume=0.1', path)
    const { findings } = await verify(path, source)
    expect(findings.map(({ message }) => message)).toEqual([expect.stringContaining('should be a copy')])
  })

  test('with a quarter of a picture damaged is found', async () => {
    const path = await filtered('damaged', "drawbox=w=iw/2:h=ih/2:color=green:t=fill:enable='eq(n,50)'")
    expect((await verify(path, source)).findings).toMatchObject([{ code: 'OUTPUT_PICTURE', at: 50 }])
  })

  test.each([1024 / 48_000, -1024 / 48_000])(
    'with audio shifted by one audio frame, %d s, is found',
    async (shift) => {
      const path = join(directory(), `shifted${shift}.mkv`)
      await ffmpeg(
        ...['-i', right, '-itsoffset', `${shift}`, '-i', right],
        ...['-map', '0:v', '-map', '1:a', '-c', 'copy', path],
      )
      expect((await verify(path, source)).findings).toMatchObject([
        { code: 'OUTPUT_AUDIO', edge: 'start' },
        { code: 'OUTPUT_AUDIO', edge: 'end' },
      ])
    },
  )

  test('with the last frame of the audio missing is found', async () => {
    const { audio } = await verify(right, source, { level: 'times' })
    const path = join(directory(), 'short-audio.mp4')
    const track = join(directory(), 'short-audio.m4a')
    await ffmpeg('-i', right, '-vn', '-c', 'copy', '-frames:a', `${(audio[0]?.packets ?? 0) - 1}`, track)
    await ffmpeg('-i', right, '-i', track, '-map', '0:v', '-map', '1:a', '-c', 'copy', path)
    const { findings } = await verify(path, source)
    expect(findings).toMatchObject([{ code: 'OUTPUT_AUDIO', edge: 'end' }, { code: 'OUTPUT_STREAMS' }])
  })

  test('that ends too early is found', async () => {
    const path = join(directory(), 'truncated.mkv')
    await ffmpeg('-i', right, '-c', 'copy', path)
    await truncate(path, Math.floor((await readFile(path)).length * 0.8))
    const [first] = (await verify(path, source)).findings
    expect(first).toMatchObject({ code: 'OUTPUT_FRAMES', extra: 0 })
  })

  test('that a disk has damaged is found', async () => {
    const path = join(directory(), 'bits.mp4')
    await ffmpeg('-i', right, '-c', 'copy', '-bsf:v', 'noise=amount=2000', path)
    const codes = (await verify(path, source)).findings.map(({ code }) => code)
    expect(codes).toContain('OUTPUT_DECODING')
  })

  test('that lacks a stream is found', async () => {
    const path = join(directory(), 'silent.mp4')
    await ffmpeg('-i', right, '-c', 'copy', '-an', path)
    expect((await verify(path, source)).findings).toMatchObject([{ code: 'OUTPUT_STREAMS' }])
  })

  test('that is another film of the same length is found', async () => {
    const path = join(directory(), 'other.mp4')
    await ffmpeg(
      ...[
        '-t',
        '4',
        '-f',
        'lavfi',
        '-i',
        'mandelbrot=size=320x180:rate=25',
        '-i',
        source,
        '-map',
        '0:v',
        '-map',
        '1:a',
      ],
      ...['-frames:v', `${FRAMES}`, ...PARAMS.split(' '), '-c:a', 'copy', path],
    )
    const { findings, pictures } = await verify(path, source)
    const wrong = findings.filter(({ code }) => code === 'OUTPUT_PICTURE')
    expect(wrong.length).toBe(pictures?.compared)
  })

  test('that is not the one of the report is found', async () => {
    const path = join(directory(), 'report.json')
    const report = {
      ...{ schema: 'ffswarm-report/1', params: { given: PARAMS }, source: {} },
      ...{ segments: [{ frames: 40 }, { frames: 60 }], output: { sha256: '0'.repeat(64) } },
    }
    await writeFile(path, JSON.stringify(report))
    const { findings } = await verify(right, source, { reportPath: path, params: undefined })
    expect(findings).toMatchObject([{ code: 'OUTPUT_UNREPORTED' }])
  })

  test('where the report names seams is looked at there', async () => {
    const path = await filtered('seam', shuffled({ 36: 35 }))
    const reportPath = join(directory(), 'seams.json')
    const segments = [{ frames: 36 }, { frames: 64 }]
    const report = { schema: 'ffswarm-report/1', params: { given: PARAMS }, source: {}, segments, output: {} }
    await writeFile(reportPath, JSON.stringify(report))
    expect((await verify(path, source, { reportPath, params: undefined })).findings).toMatchObject([
      { code: 'OUTPUT_PICTURE', at: 36 },
    ])
  })
})

describe('a file of bad quality', () => {
  const encoders: readonly [string, string, string][] = [
    ['libx264', '-preset veryfast -crf 44', 'mkv'],
    ['libx265', '-preset ultrafast -crf 42 -x265-params log-level=error', 'mp4'],
    ['libsvtav1', '-preset 10 -crf 60', 'mp4'],
  ]
  test.each(encoders)('of %s is not called broken', async (encoder, options, container) => {
    const needs = { ...bPyramid, needs: [encoder] }
    if ((await whyNotMade(needs)) !== undefined) return
    const params = `-c:v ${encoder} ${options}`
    const path = join(directory(), `bad-${encoder}.${container}`)
    await ffmpeg('-i', source, ...params.split(' '), '-c:a', 'copy', path)
    expect((await verify(path, source, { params })).findings).toEqual([])
  })
})

describe('one run of ffmpeg', () => {
  const clips: readonly Clip[] = [
    ...[variableRateMkv, variableRateMp4, interlacedMpeg2, interlaced264Ts, lateStartMp4, lateVideoMp4],
    ...[lateVideoTs, offsetTs, programStream, mpeg4Avi],
  ]
  test.each(clips.map((clip): [string, Clip] => [clip.name, clip]))('on %s is exact', async (_, clip) => {
    if ((await whyNotMade(clip)) !== undefined) return
    const path = await clipIn(directory(), clip)
    const output = join(directory(), `single-${slug(clip.name)}.mkv`)
    await ffmpeg(
      ...['-i', path, '-map', '0', ...PARAMS.split(' '), '-c:a', 'copy'],
      ...['-fps_mode:v', 'passthrough', '-enc_time_base:v', clip.grid, output],
    )
    expect((await verify(output, path)).findings).toEqual([])
  })
})

describe('a file with sound, texts and chapters', () => {
  const params = `${PARAMS} -c:a:0 copy -c:a:1 ac3 -ar:a:1 44100 -c:s subrip`
  let furnished = ''
  let made = ''

  beforeAll(async () => {
    furnished = join(directory(), 'furnished.mkv')
    made = join(directory(), 'furnished-made.mkv')
    const texts = join(directory(), 'texts.srt')
    const chapters = join(directory(), 'chapters.txt')
    await writeFile(texts, '1\n00:00:00,500 --> 00:00:01,000\none\n\n2\n00:00:02,000 --> 00:00:03,000\ntwo\n')
    await writeFile(
      chapters,
      [0, 1500, 3000]
        .map((at, place) => `[CHAPTER]\nTIMEBASE=1/1000\nSTART=${at}\nEND=${at + 900}\ntitle=Part ${place}\n`)
        .reduce((text, chapter) => text + chapter, ';FFMETADATA1\n'),
    )
    await ffmpeg(
      ...['-i', source, '-i', texts, '-f', 'ffmetadata', '-i', chapters],
      ...['-map', '0:v', '-map', '0:a', '-map', '0:a', '-map', '1', '-map_chapters', '2'],
      ...[
        '-c',
        'copy',
        '-c:s',
        'ass',
        '-metadata',
        'title=Film',
        '-metadata:s:a:1',
        'title=Comment',
        '-disposition:a:1',
        'comment',
        furnished,
      ],
    )
    await ffmpeg('-i', furnished, '-map', '0', ...params.split(' '), made)
  })

  test('is exact as it must be, also in part', async () => {
    expect((await verify(made, furnished, { params })).findings).toEqual([])
    const part = join(directory(), 'furnished-part.mkv')
    await ffmpeg('-i', furnished, '-map', '0', ...params.split(' '), '-ss', '1.4', '-t', '2', part)
    expect((await verify(part, furnished, { params: `${params} -ss 1.4 -t 2` })).findings).toEqual([])
  })

  const COPY = ['-map', '0', '-c', 'copy']
  test.each<[string, readonly string[], string]>([
    ['without chapters', [...COPY, '-map_chapters', '-1'], '0 chapters instead of 3'],
    ['of another title', [...COPY, '-metadata:s:a:1', 'title=Other'], 'title is Other instead of Comment'],
    ['of another name', [...COPY, '-metadata', 'title=Other'], "the film's title is Other instead of Film"],
    ['with another default', [...COPY, '-disposition:a:1', '0'], 'dispositions is none instead of comment'],
    ['in another codec', ['-map', '0', '-c', 'copy', '-c:a:1', 'mp2'], 'codec is mp2 instead of ac3'],
    ['at another sample rate', [...COPY, '-c:a:1', 'ac3', '-ar:a:1', '48000'], 'sample rate is 48000'],
    ['with more channels', [...COPY, '-c:a:1', 'ac3', '-ac:a:1', '2'], 'number of channels is 2'],
  ])('%s is found', async (what, options, words) => {
    const path = join(directory(), `furnished-${slug(what)}.mkv`)
    await ffmpeg('-i', made, ...options, path)
    const { findings } = await verify(path, furnished, { params, level: 'times' })
    expect(findings.map(({ message }) => message).join()).toContain(words)
  })

  test.each([
    ['moved', ['-itsoffset', '0.1'], /says at 0.59\d s what it should say at 0.5\d\d s/],
    ['of another wording', [], /says something else than it should at 0.5\d\d s/],
  ])('with texts %s is found', async (what, options, words) => {
    const texts = join(directory(), 'texts.srt')
    const input = options.length > 0 ? texts : join(directory(), 'others.srt')
    await writeFile(join(directory(), 'others.srt'), (await readFile(texts, 'utf8')).replace('one', 'won'))
    const path = join(directory(), `texts-${slug(what)}.mkv`)
    await ffmpeg(
      ...['-i', made, ...options, '-i', input, '-map', '0:v', '-map', '0:a', '-map', '1', '-c', 'copy', path],
    )
    const { findings } = await verify(path, furnished, { params })
    expect(findings.map(({ message }) => message).join()).toMatch(words)
  })
})
