import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { whyFiltersRefused } from '../../src/media/params/filters.ts'
import { ffmpeg } from '../helpers/ffmpeg.ts'

describe('a chain of filters is taken', () => {
  test.each([
    'scale=640:-2',
    'scale=iw/2:ih/2',
    'scale=w=640:h=-2:flags=lanczos',
    'crop=in_w-20:in_h-20,unsharp',
    "drawbox=enable='between(t,1,2)':x=10",
    'eq=contrast=1.1,format=yuv420p',
    'hflip , vflip',
    'scale@small=640:-2',
    'rotate=a=t/10',
    'setsar=1/1',
  ])('%s', (chain) => {
    expect(whyFiltersRefused(chain)).toBeUndefined()
  })
})

describe('a chain of filters is refused', () => {
  test.each([
    ['hqdn3d', 'with a memory'],
    ['scale=640:-2,yadif', 'with a memory behind one without'],
    ['fps=30', 'that changes the rate'],
    ['select=eq(pict_type\\,I)', 'that drops frames'],
    ['noise=alls=20', 'by chance'],
    ['vignette', 'whose dither goes on from frame to frame'],
    ['movie=/etc/passwd', 'that opens files'],
    ['subtitles=film.srt', 'that opens files'],
    ['drawtext=textfile=/etc/passwd', 'that opens files'],
    ['lut3d=file=look.cube', 'that opens files'],
    ['[in]scale=1:1[out]', 'with labels'],
    ['split[a][b];[a]null', 'with branches'],
    ["drawbox=enable='gt(n,10)'", 'by the number of the frame'],
    ['crop=x=n:y=0', 'by the number of the frame'],
    ['hue=h=n*10', 'by the number of the frame'],
    ['perspective=x0=on:eval=frame', 'by the number of the frame'],
    ['perspective=x0=in:eval=frame', 'by the number of the frame'],
    ['perspective=x0=2*in+1:eval=frame', 'by the number of the frame'],
    ['', 'that is empty'],
    ['scale=640:-2,', 'that ends in nothing'],
    ['scale=640:-2\\,movie=x,movie=y', 'that hides one behind a comma'],
  ])('%s, %s', (chain) => {
    expect(whyFiltersRefused(chain)).toBeTypeOf('string')
  })
})

/** One of each filter that is taken, with options that make it do something. */
const TAKEN = [
  ...['scale=96:54', 'crop=100:60:10:10', 'pad=200:120:4:4', 'format=yuv444p', 'noformat=gray', 'setsar=4/3'],
  ...['setdar=4/3', 'setrange=full', 'setfield=tff', 'setparams=colorspace=bt709', 'zscale=w=96:h=54'],
  ...['hflip', 'vflip', 'transpose=1', 'rotate=a=t', 'swapuv', 'null', 'copy', 'eq=contrast=1.4:eval=frame'],
  ...['hue=s=sin(t)+1', 'unsharp=7:7:2', 'cas=0.7', 'gblur=3', 'boxblur=2', 'avgblur=3', 'smartblur', 'sab'],
  ...[
    'deband',
    'gradfun',
    'drawbox=x=10*t:w=20:h=20:t=fill',
    'drawgrid=w=20',
    'negate',
    'limiter=min=30:max=200',
  ],
  ...[
    'lutyuv=y=negval',
    'format=rgb24,lutrgb=r=negval',
    'lut=c0=negval',
    'colorspace=bt709:iall=bt601-6-625',
  ],
  ...['colormatrix=bt601:bt709', 'colorchannelmixer=.3:.4:.3', 'colorbalance=rs=.3', 'colorlevels=rimin=0.1'],
  ...['vibrance=1', 'exposure=1', 'lenscorrection=k1=-0.2', 'perspective=x0=10', 'median=3'],
  ...['fillborders=left=4:right=4', 'delogo=x=10:y=10:w=20:h=20', 'sharpen', 'convolution', 'edgedetect'],
  ...['monochrome', 'chromashift=cbh=4', 'format=rgb24,rgbashift=rh=4', 'shuffleplanes=0:2:1'],
  'format=gbrpf32le,tonemap=hable,format=yuv420p',
]

const PICTURES =
  'testsrc2=size=192x108:rate=25:duration=1.2,setparams=range=tv:colorspace=smpte170m:color_primaries=smpte170m:color_trc=smpte170m'

describe('a filter that is taken makes the same frames from a cut on as from the start', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ffswarm-filters-'))
  })
  afterAll(async () => await rm(directory, { recursive: true, force: true }))

  const framesOf = async (path: string) =>
    (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'))

  test.for(TAKEN)('%s', async (chain, context) => {
    const [whole, part] = ['whole', 'part'].map((name) => join(directory, name)) as [string, string]
    const output = ['-fps_mode', 'passthrough', '-enc_time_base', '1/25', '-f', 'framemd5']
    try {
      await ffmpeg(
        ...['-f', 'lavfi', '-i', PICTURES],
        ...['-vf', chain, ...output, whole],
        ...['-vf', `trim=start_pts=13,${chain}`, ...output, part],
      )
    } catch (error) {
      if (/No such filter/.test(String(error))) context.skip('this ffmpeg does not have it')
      throw error
    }
    const frames = await framesOf(part)
    expect(frames).toHaveLength(17)
    expect(frames).toEqual((await framesOf(whole)).slice(13))
  })
})
