/** Short clips of every awkward kind, made by ffmpeg when a test asks for them. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { capabilities, ffmpeg, missingEncoders } from './ffmpeg.ts'
import { slug } from './slug.ts'

export interface Clip {
  /** What is awkward about it. */
  readonly name: string
  /** The file's extension. */
  readonly extension: string
  /** The encoder's time base of a single run: one frame where the rate is constant, `-1` (the source's) otherwise. */
  readonly grid: string
  /** Encoders that making it needs. */
  readonly needs: readonly string[]
  /**
   * In Matroska audio lies on whole milliseconds. Copied to mp4, a single run keeps that jitter or smooths it away,
   * depending on whether an audio packet came before the first encoded picture; a join always smooths it. So much may
   * copied audio lie apart then.
   */
  readonly roughAudioSeconds?: number
  make(path: string): Promise<unknown>
}

const SIZE = '192x108'

/** A millisecond, and what a number of seconds loses. */
export const MATROSKA_TICK = 0.001_01

/** Pictures that change with every frame. */
const picture = (seconds: number, rate = '25') => [
  ...['-f', 'lavfi', '-i', `testsrc2=size=${SIZE}:rate=${rate}:duration=${seconds}`],
]
const tone = (seconds: number, frequency = 440) => [
  ...['-f', 'lavfi', '-i', `sine=frequency=${frequency}:sample_rate=48000:duration=${seconds}`],
]
const x264 = (options: string) => [
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-threads', '1', '-x264-params', options],
]

export const bPyramid: Clip = {
  name: 'B-pyramid in mp4, with audio',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) =>
    ffmpeg(
      ...picture(5),
      ...tone(5),
      ...x264('keyint=40:bframes=5:b-pyramid=normal:b-adapt=0'),
      ...['-c:a', 'aac'],
      path,
    ),
}

export const openGop264: Clip = {
  name: 'open GOPs of x264',
  extension: 'mkv',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) =>
    ffmpeg(...picture(5), ...x264('open-gop=1:keyint=20:min-keyint=20:scenecut=0:bframes=4:b-adapt=0'), path),
}

export const openGop265: Clip = {
  name: 'open GOPs of x265',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libx265'],
  make: (path) =>
    ffmpeg(
      ...picture(4),
      ...['-c:v', 'libx265', '-preset', 'veryfast', '-x265-params'],
      'log-level=error:open-gop=1:keyint=20:min-keyint=20:scenecut=0:bframes=4:b-adapt=0',
      path,
    ),
}

/** Frames left out at irregular places. */
const IRREGULAR = "select='not(eq(mod(n,7),3)+eq(mod(n,11),5)+eq(mod(n,13),1))'"

export const variableRateMkv: Clip = {
  name: 'variable rate in mkv',
  extension: 'mkv',
  grid: '-1',
  needs: ['libx264'],
  roughAudioSeconds: MATROSKA_TICK,
  make: (path) =>
    ffmpeg(
      ...picture(5, '30'),
      ...tone(5),
      ...['-vf', `${IRREGULAR},settb=1/1000,setpts=PTS+mod(N*37\\,7)*3`],
      ...['-fps_mode', 'vfr', '-enc_time_base', '1/1000'],
      ...x264('keyint=30:bframes=3'),
      ...['-c:a', 'aac'],
      path,
    ),
}

export const gapsMkv: Clip = {
  name: 'frames missing from a constant rate',
  extension: 'mkv',
  grid: '1/30',
  needs: ['libx264'],
  roughAudioSeconds: MATROSKA_TICK,
  make: (path) =>
    ffmpeg(
      ...picture(5, '30'),
      ...tone(5),
      ...['-vf', IRREGULAR, '-fps_mode', 'vfr', ...x264('keyint=30:bframes=3'), '-c:a', 'aac'],
      path,
    ),
}

export const variableRateMp4: Clip = {
  name: 'variable rate in mp4, as a phone films',
  extension: 'mp4',
  grid: '-1',
  needs: ['libx264'],
  make: (path) =>
    ffmpeg(
      ...picture(5, '30'),
      ...tone(5),
      ...['-vf', `${IRREGULAR},settb=1/90000,setpts=PTS+mod(N*37\\,11)*83`],
      ...['-fps_mode', 'vfr', '-enc_time_base', '1/90000', '-video_track_timescale', '90000'],
      ...x264('keyint=30:bframes=2'),
      ...['-c:a', 'aac'],
      path,
    ),
}

export const slowMp4: Clip = {
  name: 'one frame per second',
  extension: 'mp4',
  grid: '1/1',
  needs: ['libx264'],
  make: (path) => ffmpeg(...picture(9, '1'), ...tone(9), ...x264('keyint=5:bframes=2'), '-c:a', 'aac', path),
}

export const ntscFilmMkv: Clip = {
  name: '23.976 frames per second in mkv, which rounds to 1 ms',
  extension: 'mkv',
  grid: '1001/24000',
  needs: ['libx264'],
  make: (path) => ffmpeg(...picture(5, '24000/1001'), ...x264('keyint=24:bframes=3'), path),
}

export const lateStartMp4: Clip = {
  name: 'mp4 that starts at 3.4 s',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) =>
    ffmpeg(
      ...picture(4),
      ...tone(4),
      ...x264('keyint=25:bframes=3'),
      ...['-c:a', 'aac', '-output_ts_offset', '3.4'],
      path,
    ),
}

export const lateVideoMp4: Clip = {
  name: 'mp4 whose video starts 0.52 s after its audio',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) =>
    ffmpeg(
      ...['-itsoffset', '0.52', ...picture(4)],
      ...tone(5),
      ...['-map', '0:v', '-map', '1:a'],
      ...x264('keyint=25:bframes=3'),
      // Otherwise ffmpeg fills the start with copies of the first frame.
      ...['-fps_mode', 'vfr', '-c:a', 'aac'],
      path,
    ),
}

export const offsetTs: Clip = {
  name: 'MPEG-TS that starts at 1000 s, with audio',
  extension: 'ts',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) =>
    ffmpeg(
      ...picture(5),
      ...tone(5),
      ...x264('keyint=25:bframes=3'),
      ...['-c:a', 'aac', '-output_ts_offset', '1000'],
      path,
    ),
}

export const lateVideoTs: Clip = {
  name: 'MPEG-TS whose audio starts 0.3 s before its video',
  extension: 'ts',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) =>
    ffmpeg(
      ...['-itsoffset', '0.3', ...picture(4)],
      ...tone(4),
      ...['-map', '0:v', '-map', '1:a', ...x264('keyint=25:bframes=3')],
      ...['-c:a', 'aac'],
      path,
    ),
}

export const oneKeyframe: Clip = {
  name: 'one keyframe only',
  extension: 'mkv',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) => ffmpeg(...picture(4), ...x264('keyint=infinite:scenecut=0:bframes=3'), path),
}

export const intraRefresh: Clip = {
  name: 'intra refresh instead of keyframes',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) => ffmpeg(...picture(4), ...x264('intra-refresh=1:keyint=25:bframes=0'), path),
}

export const allIntra: Clip = {
  name: 'keyframes only',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) => ffmpeg(...picture(4), ...x264('keyint=1'), path),
}

export const interlacedMpeg2: Clip = {
  name: 'interlaced MPEG-2 in MPEG-TS',
  extension: 'ts',
  grid: '1/25',
  needs: ['mpeg2video', 'mp2'],
  make: (path) =>
    ffmpeg(
      ...picture(5, '50'),
      ...tone(5),
      ...[
        '-vf',
        'interlace',
        '-c:v',
        'mpeg2video',
        '-flags',
        '+ilme+ildct',
        '-g',
        '15',
        '-bf',
        '2',
        '-b:v',
        '2M',
      ],
      ...['-c:a', 'mp2'],
      path,
    ),
}

export const interlaced264Ts: Clip = {
  name: 'interlaced H.264 in MPEG-TS',
  extension: 'ts',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) =>
    ffmpeg(
      ...picture(4, '50'),
      ...['-vf', 'interlace,scale=192:96:interl=1', '-flags', '+ilme+ildct'],
      ...x264('tff=1:keyint=25:bframes=3:open-gop=1'),
      path,
    ),
}

export const vp9Altref: Clip = {
  name: 'VP9 with alternate reference frames',
  extension: 'webm',
  grid: '1/25',
  needs: ['libvpx-vp9', 'libopus'],
  roughAudioSeconds: MATROSKA_TICK,
  make: (path) =>
    ffmpeg(
      ...picture(5),
      ...tone(5),
      ...['-c:v', 'libvpx-vp9', '-deadline', 'good', '-cpu-used', '5', '-auto-alt-ref', '1'],
      ...['-lag-in-frames', '16', '-g', '40', '-b:v', '200k', '-c:a', 'libopus'],
      path,
    ),
}

export const vp8Altref: Clip = {
  name: 'VP8 with alternate reference frames',
  extension: 'webm',
  grid: '1/25',
  needs: ['libvpx'],
  make: (path) =>
    ffmpeg(
      ...picture(5),
      ...['-c:v', 'libvpx', '-deadline', 'good', '-cpu-used', '5', '-auto-alt-ref', '1'],
      ...['-lag-in-frames', '16', '-g', '40', '-b:v', '200k'],
      path,
    ),
}

export const av1Altref: Clip = {
  name: 'AV1 with alternate reference frames',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libsvtav1'],
  make: (path) =>
    ffmpeg(...picture(5), ...['-pix_fmt', 'yuv420p', '-c:v', 'libsvtav1', '-preset', '10', '-g', '33'], path),
}

export const editList: Clip = {
  name: 'mp4 with an edit list: cut by -ss without encoding',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libx264'],
  make: async (path) => {
    const whole = `${path}.whole.mp4`
    await bPyramid.make(whole)
    await ffmpeg('-ss', '1.13', '-i', whole, '-t', '3.5', '-c', 'copy', path)
  },
}

export const packedMpeg4: Clip = {
  name: 'MPEG-4 with packed B-frames in AVI',
  extension: 'avi',
  grid: '1/25',
  needs: ['libxvid', 'libmp3lame'],
  make: (path) =>
    ffmpeg(
      ...picture(5),
      ...tone(5),
      ...['-c:v', 'libxvid', '-bf', '2', '-g', '25', '-q:v', '4', '-c:a', 'libmp3lame'],
      path,
    ),
}

export const coarseAvi: Clip = {
  name: 'AVI whose sound is timed in ticks of 32 ms',
  extension: 'avi',
  grid: '1/25',
  needs: ['mpeg4', 'ac3'],
  make: (path) =>
    ffmpeg(...picture(4), ...tone(4), ...['-c:v', 'mpeg4', '-bf', '2', '-g', '25', '-c:a', 'ac3'], path),
}

export const mpeg4Avi: Clip = {
  name: 'MPEG-4 with B-frames in AVI',
  extension: 'avi',
  grid: '1/25',
  needs: ['mpeg4'],
  make: (path) => ffmpeg(...picture(5), ...['-c:v', 'mpeg4', '-bf', '2', '-g', '25', '-q:v', '4'], path),
}

export const programStream: Clip = {
  name: 'MPEG-2 program stream',
  extension: 'mpg',
  grid: '1/25',
  needs: ['mpeg2video', 'mp2'],
  make: (path) =>
    ffmpeg(
      ...picture(5),
      ...tone(5),
      ...['-c:v', 'mpeg2video', '-g', '15', '-bf', '2', '-c:a', 'mp2', '-f', 'vob'],
      path,
    ),
}

export const rotated: Clip = {
  name: 'rotation of a phone held upright',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libx264'],
  make: async (path) => {
    const upright = `${path}.upright.mp4`
    await ffmpeg(...picture(4), ...x264('keyint=25:bframes=2'), upright)
    // FFmpeg 6 took the tag away and brought an input option instead.
    if (/^n?[0-5]\./.test(capabilities.version)) {
      await ffmpeg('-i', upright, '-c', 'copy', '-metadata:s:v:0', 'rotate=90', path)
    } else {
      await ffmpeg('-display_rotation:v:0', '-90', '-i', upright, '-c', 'copy', path)
    }
  },
}

export const anamorphic: Clip = {
  name: 'pixels that are not square',
  extension: 'mkv',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) =>
    ffmpeg(...picture(4), ...['-vf', 'setsar=64/45'], ...x264('keyint=25:bframes=2'), ...['-an'], path),
}

export const hdr10: Clip = {
  name: 'HDR10 of x265, 10 bit',
  extension: 'mp4',
  grid: '1/24',
  needs: ['libx265'],
  make: (path) =>
    ffmpeg(
      ...picture(4, '24'),
      ...['-pix_fmt', 'yuv420p10le', '-c:v', 'libx265', '-preset', 'veryfast', '-tag:v', 'hvc1'],
      ...[
        '-color_primaries',
        'bt2020',
        '-color_trc',
        'smpte2084',
        '-colorspace',
        'bt2020nc',
        '-color_range',
        'tv',
      ],
      '-x265-params',
      'log-level=error:keyint=24:hdr10=1:repeat-headers=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:' +
        'master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400',
      path,
    ),
}

export const manyTracks: Clip = {
  name: 'two audio tracks, subtitles, chapters and an attachment',
  extension: 'mkv',
  grid: '1/25',
  needs: ['libx264', 'libopus'],
  roughAudioSeconds: MATROSKA_TICK,
  make: async (path) => {
    const subtitles = `${path}.srt`
    const chapters = `${path}.ffmeta`
    const font = `${path}.ttf`
    await writeFile(
      subtitles,
      '1\n00:00:00,500 --> 00:00:01,700\nOne\n\n2\n00:00:02,000 --> 00:00:03,900\nTwo\n',
    )
    await writeFile(
      chapters,
      [
        ';FFMETADATA1',
        ...['title=A film', 'artist=Nobody'],
        ...['[CHAPTER]', 'TIMEBASE=1/1000', 'START=0', 'END=1500', 'title=Beginning'],
        ...['[CHAPTER]', 'TIMEBASE=1/1000', 'START=1500', 'END=4000', 'title=End'],
        '',
      ].join('\n'),
    )
    await writeFile(font, 'not really a font')
    await ffmpeg(
      ...picture(4),
      ...tone(4),
      ...tone(4, 880),
      ...['-i', subtitles, '-i', chapters],
      ...[
        '-map',
        '0:v',
        '-map',
        '1:a',
        '-map',
        '2:a',
        '-map',
        '3:s',
        '-map_metadata',
        '4',
        '-map_chapters',
        '4',
      ],
      ...['-attach', font, '-metadata:s:t', 'mimetype=application/x-truetype-font'],
      ...x264('keyint=25:bframes=3'),
      ...['-c:a:0', 'aac', '-c:a:1', 'libopus', '-c:s', 'srt'],
      ...[
        '-metadata:s:v:0',
        'title=Pictures',
        '-metadata:s:a:0',
        'language=eng',
        '-metadata:s:a:1',
        'language=deu',
      ],
      ...['-metadata:s:a:1', 'title=Kommentar', '-metadata:s:s:0', 'language=fra'],
      ...['-disposition:a:0', 'default', '-disposition:a:1', 'comment', '-disposition:s:0', 'forced'],
      path,
    )
  },
}

export const coverArt: Clip = {
  name: 'a cover picture beside the video',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libx264', 'png'],
  make: async (path) => {
    const cover = `${path}.png`
    await ffmpeg(...picture(1), '-frames:v', '1', cover)
    await ffmpeg(
      ...picture(4),
      ...tone(4),
      ...['-i', cover, '-map', '0:v', '-map', '1:a', '-map', '2:v'],
      ...x264('keyint=25:bframes=2'),
      ...['-c:v:1', 'copy', '-disposition:v:1', 'attached_pic', '-c:a', 'aac'],
      path,
    )
  },
}

const HLG_COLOURS = [
  ...['-color_primaries', 'bt2020', '-color_trc', 'arib-std-b67', '-colorspace', 'bt2020nc'],
  ...['-color_range', 'tv'],
]

export const hlg: Clip = {
  name: 'HLG, 10 bit',
  extension: 'mkv',
  grid: '1/25',
  needs: ['libx265'],
  make: (path) =>
    ffmpeg(
      ...picture(3),
      ...['-pix_fmt', 'yuv420p10le', '-c:v', 'libx265', '-preset', 'ultrafast', ...HLG_COLOURS],
      ...['-x265-params', 'log-level=error:keyint=25', path],
    ),
}

export const fullRange: Clip = {
  name: 'full range, chroma at the top left',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) =>
    ffmpeg(
      ...picture(3),
      ...['-pix_fmt', 'yuvj420p', '-color_range', 'pc', '-chroma_sample_location', 'topleft'],
      ...x264('keyint=25:bframes=2'),
      path,
    ),
}

export const bottomFieldFirst: Clip = {
  name: 'interlaced, bottom field first',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) =>
    ffmpeg(
      ...picture(3, '50'),
      ...['-vf', 'interlace=scan=bff,scale=192:96:interl=1', '-flags', '+ilme+ildct'],
      ...x264('bff=1:keyint=25:bframes=2'),
      path,
    ),
}

export const containerShape: Clip = {
  name: 'a shape that only the container tells',
  extension: 'mkv',
  grid: '1/25',
  needs: ['libx264'],
  make: async (path) => {
    const square = `${path}.square.mp4`
    await ffmpeg(...picture(3), ...x264('keyint=25:bframes=2'), square)
    await ffmpeg('-i', square, '-c', 'copy', '-aspect', '4:3', path)
  },
}

/** A display matrix in whole numbers, as the track header has it: `[a b c d]` of x' = ax + cy, y' = bx + dy. */
function turned(name: string, [a, b, c, d]: readonly [number, number, number, number]): Clip {
  return {
    name,
    extension: 'mp4',
    grid: '1/25',
    needs: ['libx264'],
    make: async (path) => {
      await ffmpeg(...picture(3), ...x264('keyint=25:bframes=2'), path)
      const file = await readFile(path)
      const matrix = file.indexOf('tkhd') + 4 + 40
      for (const [place, value] of [a, b, 0, c, d].entries()) {
        file.writeInt32BE(value * 0x10000, matrix + place * 4)
      }
      await writeFile(path, file)
    },
  }
}

export const turnedClips: readonly Clip[] = [
  turned('turned by 90 degrees', [0, 1, -1, 0]),
  turned('turned by 180 degrees', [-1, 0, 0, -1]),
  turned('turned by 270 degrees', [0, -1, 1, 0]),
  turned('mirrored', [-1, 0, 0, 1]),
  turned('upside down in a mirror', [1, 0, 0, -1]),
]

export const timecode: Clip = {
  name: 'a track of timecode',
  extension: 'mov',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) =>
    ffmpeg(
      ...picture(3),
      ...tone(3),
      ...x264('keyint=25:bframes=2'),
      ...['-timecode', '01:02:03:04', '-c:a', 'aac', path],
    ),
}

export const twoVideos: Clip = {
  name: 'two video tracks and data',
  extension: 'ts',
  grid: '1/25',
  needs: ['libx264'],
  make: async (path) => {
    const data = `${path}.bin`
    await writeFile(data, Buffer.alloc(4096, 7))
    await ffmpeg(
      ...picture(3),
      ...picture(3),
      ...['-f', 'data', '-i', data, '-map', '0:v', '-map', '1:v', '-map', '2:d'],
      ...x264('keyint=25:bframes=2'),
      ...['-c:d', 'copy', path],
    )
  },
}

/** One pair of CEA-608 bytes (ATSC A/53 part 4) in a user data message before each picture. */
export const captions: Clip = {
  name: 'closed captions inside the pictures',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libx264'],
  make: async (path) => {
    const bare = `${path}.bare.h264`
    const captioned = `${path}.captioned.h264`
    await ffmpeg(...picture(3), ...x264('keyint=25:bframes=0:slices=1'), bare)
    const message = Buffer.from('b500314741393403c1fffc9420ff', 'hex')
    const unit = Buffer.concat([
      Buffer.from([0, 0, 0, 1, 6, 4, message.length]),
      message,
      Buffer.from([0x80]),
    ])
    const stream = await readFile(bare)
    const parts: Buffer[] = []
    let from = 0
    for (let at = 0; at + 3 < stream.length; at++) {
      const isSlice = stream.readUIntBE(at, 3) === 1 && [1, 5].includes((stream[at + 3] ?? 0) & 31)
      if (!isSlice) continue
      const start = stream[at - 1] === 0 ? at - 1 : at
      parts.push(stream.subarray(from, start), unit)
      from = start
    }
    await writeFile(captioned, Buffer.concat([...parts, stream.subarray(from)]))
    await ffmpeg('-r', '25', '-i', captioned, '-c', 'copy', path)
  },
}

export const stereo: Clip = {
  name: 'stereo 3D as the container tells it',
  extension: 'mkv',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) =>
    ffmpeg(...picture(3), ...x264('keyint=25:bframes=2'), '-metadata:s:v', 'stereo_mode=top_bottom', path),
}

export const fragmented: Clip = {
  name: 'fragmented mp4',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) =>
    ffmpeg(
      ...picture(5),
      ...tone(5),
      ...x264('keyint=25:bframes=3'),
      ...['-c:a', 'aac', '-movflags', '+frag_keyframe+empty_moov'],
      path,
    ),
}

export const wrappingTs: Clip = {
  name: 'MPEG-TS whose 33-bit clock starts anew in the middle',
  extension: 'ts',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) =>
    ffmpeg(
      ...picture(5),
      ...tone(5),
      ...x264('keyint=25:bframes=3'),
      // 2^33 / 90000 s is 95443.7 s.
      ...['-c:a', 'aac', '-output_ts_offset', '95439.9'],
      path,
    ),
}

const made = new Map<string, Promise<string>>()

/** The clip's path in a directory; made once. */
export function clipIn(directory: string, clip: Clip): Promise<string> {
  const path = join(directory, `${slug(clip.name).toLowerCase()}.${clip.extension}`)
  const known = made.get(path)
  if (known !== undefined) return known
  const making = clip.make(path).then(() => path)
  made.set(path, making)
  return making
}

/** Which of a clip's encoders this ffmpeg lacks, as a reason to skip; undefined where it has all. */
export async function whyNotMade(clip: Clip): Promise<string | undefined> {
  const missing = await missingEncoders(clip.needs)
  return missing.length === 0 ? undefined : `this ffmpeg has no encoder ${missing.join(', ')}`
}
