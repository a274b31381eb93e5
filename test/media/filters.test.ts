import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readChain } from '../../src/media/filters/index.ts'
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
    expect(readChain(chain)).toMatchObject({ history: 0, times: 'kept' })
  })
})

describe('a chain of filters is refused', () => {
  test.each([
    ['frobnicate', 'that nobody knows'],
    ['random=frames=5', 'by chance'],
    ['geq=lum=random(0)', 'by chance, in several threads'],
    ['reverse', 'that needs the whole film'],
    ['repeatfields', 'whose frames have no times'],
    ['yadif_cuda', 'of a device'],
    ['drawtext=text=x', 'with fonts'],
    ['movie=/etc/passwd', 'that opens files'],
    ['subtitles=film.srt', 'that opens files'],
    ['drawtext=textfile=/etc/passwd', 'that opens files'],
    ['lut3d=file=look.cube', 'that opens files'],
    ['[in]scale=1:1[out]', 'with labels'],
    ['split[a][b];[a]null', 'with branches'],
    ['setpts=RTCTIME', 'by the clock on the wall'],
    ['curves=psfile=look.acv', 'from a file'],
    ['curves=none:p\\lot=cur.plt', 'that writes a file, behind an escape'],
    ['curves=none:::::::a.plt', 'that writes a file, by its place'],
    ['deshake=filename=x.log', 'that writes a file'],
    ['stereo3d=sbsl:al', 'that makes two frames of one'],
    ['hqdn3d,movie=x', 'behind another'],
    ['', 'that is empty'],
    ['scale=640:-2,', 'that ends in nothing'],
    ['scale=640:-2\\,movie=x,movie=y', 'that hides one behind a comma'],
  ])('%s, %s', (chain) => {
    expect(readChain(chain)).toBeTypeOf('string')
  })
})

describe('a chain of filters has seen enough', () => {
  test.each([
    ['yadif', 4, 'kept'],
    ['yadif=2', 4, 'kept'],
    ['bwdif=mode=send_frame', 4, 'kept'],
    ['tmix=frames=5', 7, 'kept'],
    ['yadif,tmix=frames=5,scale=64:-2', 11, 'kept'],
    ['atadenoise=s=33', 19, 'kept'],
    ['fade=t=in:st=1:d=2', 0, 'kept'],
    ['hqdn3d', 'all', 'kept'],
    ['scale=640:-2,hqdn3d,yadif', 'all', 'kept'],
    ['fade=in:0:30', 'all', 'kept'],
    ['fade=t=in:st=1:d=0', 'all', 'kept'],
    ["crop=64:64:x='mod(x+1\\,60)':y=0", 'all', 'kept'],
    ['crop=64:64:10:y+1', 'all', 'kept'],
    ['shuffleframes=0 -1', 'all', 'changed'],
    ['noise=alls=10:allf=t', 'all', 'kept'],
    ["drawbox=enable='gt(n,10)'", 'all', 'kept'],
    ['crop=x=n:y=0', 'all', 'kept'],
    ['hue=h=n*10', 'all', 'kept'],
    ['hue=h=random(1)*6', 'all', 'kept'],
    ["crop=x='st(0\\,ld(0)+1)'", 'all', 'kept'],
    ['perspective=x0=on:eval=frame', 'all', 'kept'],
    ['perspective=x0=2*in+1:eval=frame', 'all', 'kept'],
    ['setpts=0.5*PTS', 0, 'moved'],
    ['setpts=PTS-STARTPTS', 'all', 'moved'],
    ['setpts=N/30/TB', 'all', 'moved'],
    ['bwdif', 4, 'changed'],
    ['yadif=1', 4, 'changed'],
    ['yadif=mode=send_field_nospatial,hue=s=0', 4, 'changed'],
    ['hue=s=0,fps=30', 4, 'changed'],
    ['tmix,fps=30', 9, 'changed'],
    ['fps=30,tmix', 'all', 'changed'],
    ['setpts=0.5*PTS,fps=30', 'all', 'changed'],
    ['yadif=1,fps=30', 'all', 'changed'],
    ['select=not(mod(n\\,3))', 'all', 'changed'],
    ['decimate', 'all', 'changed'],
  ] as const)('%s: %s frames, times %s', (chain, history, times) => {
    expect(readChain(chain)).toMatchObject({ history, times })
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
  ...words(`nlmeans vaguedenoiser owdenoise dctdnoiz bm3d chromanr removegrain=4 deblock spp=3 fspp pp7 bilateral yaepblur
    xbr hqx epx super2xsai v360=e:c3x2 shear=0.1 stereo3d swaprect pixelize pseudocolor selectivecolor=reds=0.5 curves=vintage
    histeq grayworld colorcorrect=0.2 colortemperature=4000 huesaturation=20 colorkey=red colorhold=red chromakey=green
    chromahold=green hsvkey=40 hsvhold=40 lumakey despill dilation erosion inflate deflate sobel prewitt roberts scharr kirsch
    maskfun colorcontrast=0.5 colorize=20 il=d field floodfill=10:10 geq=lum=p(X\\,Y)+T fade=t=in:st=0.2:d=2`),
  ...words(`yadif yadif=2 bwdif=mode=0 w3fdif=mode=0 estdif=mode=0 kerndeint phase fieldorder dedot fftdnoiz=prev=1:next=1
    atadenoise tmix tmix=frames=8`),
]

function words(text: string): string[] {
  return text.split(/\s+/)
}

const PICTURES =
  'testsrc2=size=192x108:rate=25:duration=1.2,setparams=range=tv:colorspace=smpte170m:color_primaries=smpte170m:color_trc=smpte170m'

const CUT = 13

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
    const needs = readChain(chain)
    if (typeof needs === 'string' || needs.history === 'all') throw new Error(`${chain}: ${String(needs)}`)
    const seen = Math.max(0, CUT - needs.history)
    const output = ['-fps_mode', 'passthrough', '-enc_time_base', '1/25', '-f', 'framemd5']
    try {
      await ffmpeg(
        ...['-f', 'lavfi', '-i', PICTURES],
        ...['-vf', chain, ...output, whole],
        ...['-vf', `trim=start_pts=${seen},${chain},trim=start=${CUT / 25}`, ...output, part],
      )
    } catch (error) {
      if (/No such filter/.test(String(error))) context.skip('this ffmpeg does not have it')
      throw error
    }
    const frames = await framesOf(part)
    expect(frames).toHaveLength(30 - CUT)
    expect(frames).toEqual((await framesOf(whole)).slice(CUT))
  })
})
