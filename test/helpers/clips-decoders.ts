/** Clips that a decoder makes other pictures of when it starts at a later keyframe, with or without a complaint. */
import { readFile, truncate, writeFile } from 'node:fs/promises'
import type { Clip } from './clips.ts'
import { capabilities, ffmpeg } from './ffmpeg.ts'

const picture = (seconds: number, size = '192x108') => [
  ...['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=${seconds}`],
]
const x264 = (options: string) => [
  ...['-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-preset', 'veryfast', '-threads', '1'],
  ...['-x264-params', options],
]

/** The decoder makes up for what x264 got wrong before build 151, and learns the build from the first packet. */
export const oldX264: Clip = {
  name: 'lossless H.264 that says it is of an old x264',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libx264'],
  async make(path) {
    await ffmpeg(...picture(4), ...x264('qp=0:keyint=20:scenecut=0'), path)
    const bytes = await readFile(path)
    const at = bytes.indexOf('x264 - core ')
    bytes.write('148', at + 'x264 - core '.length)
    await writeFile(path, bytes)
  },
}

/** Started at its last recovery point, the decoder gives the right times and other pictures. */
export const intraRefreshTail: Clip = {
  name: 'intra refresh that ends before it is through',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) => ffmpeg(...picture(4), ...x264('intra-refresh=1:keyint=20:bframes=0'), path),
}

/** The decoder's tables of colours outlive keyframes. */
export const coloursKept: Clip = {
  name: 'QuickTime graphics, whose decoder keeps colours',
  extension: 'mov',
  grid: '1/25',
  needs: ['smc'],
  make: (path) => ffmpeg(...picture(3), '-c:v', 'smc', '-g', '20', path),
}

export const paintedOver: Clip = {
  name: 'Apple video whose frames are all called keyframes and are none',
  extension: 'mov',
  grid: '1/25',
  needs: ['rpza'],
  make: (path) => ffmpeg(...picture(3), '-c:v', 'rpza', '-g', '20', path),
}

/** A single run scales the rest to the size of the beginning. */
export const newSize: Clip = {
  name: 'VP8 that changes its size',
  extension: 'webm',
  grid: '1/25',
  needs: ['libvpx'],
  async make(path) {
    const parts = await Promise.all(
      ['192x108', '160x96'].map(async (size, place) => {
        const part = `${path}.${place}.webm`
        await ffmpeg(
          ...picture(2, size),
          ...['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-g', '20', '-b:v', '300k', part],
        )
        return part
      }),
    )
    const list = `${path}.ffconcat`
    await writeFile(list, parts.map((part) => `file '${part}'\n`).join(''))
    await ffmpeg('-f', 'concat', '-safe', '0', '-i', list, '-c', 'copy', path)
  },
}

/** A decoder that has not passed the change takes the headers of the beginning, and most pictures make no sense then. */
export const changedHeaders: Clip = {
  name: 'H.264 whose headers change once and are not repeated',
  extension: 'mp4',
  grid: '1/25',
  needs: ['libx264'],
  async make(path) {
    const parts: Buffer[] = []
    for (const options of ['keyint=20:bframes=0', 'keyint=20:bframes=0:cabac=0:ref=1:weightp=0:8x8dct=0']) {
      const part = `${path}.${parts.length}.h264`
      await ffmpeg(...picture(3), ...x264(options), part)
      parts.push(withFirstHeaders(await readFile(part)))
    }
    const raw = `${path}.h264`
    await writeFile(raw, Buffer.concat(parts))
    // Up to FFmpeg 5 a filter of packets gets the output's time base, and does not say so in TB.
    const time = /^n?[0-5]\./.test(capabilities.version) ? 'N*512' : 'N/TB/25'
    await ffmpeg('-r', '25', '-i', raw, '-c', 'copy', '-bsf:v', `setts=ts=${time}`, path)
  },
}

/** Leaves the parameter sets before the first picture and drops the later ones. */
function withFirstHeaders(stream: Buffer): Buffer {
  const startCode = Buffer.from([0, 0, 1])
  const units: Buffer[] = []
  for (let at = stream.indexOf(startCode); at >= 0; ) {
    const next = stream.indexOf(startCode, at + 3)
    units.push(stream.subarray(at, next < 0 ? undefined : next))
    at = next
  }
  const kind = (unit: Buffer) => (unit[3] ?? 0) & 31
  const firstPicture = units.findIndex((unit) => kind(unit) === 5)
  return Buffer.concat(units.filter((unit, place) => place < firstPicture || ![7, 8].includes(kind(unit))))
}

/** The decoder complains about leading pictures after every seek, and rightly so: none of them is wanted. */
export const openGopTs: Clip = {
  name: 'open GOPs of x264 in MPEG-TS',
  extension: 'ts',
  grid: '1/25',
  needs: ['libx264'],
  make: (path) =>
    ffmpeg(...picture(5), ...x264('open-gop=1:keyint=20:min-keyint=20:scenecut=0:bframes=4:b-adapt=0'), path),
}

export const brokenTs: Clip = {
  name: 'MPEG-2 in MPEG-TS with broken bytes',
  extension: 'ts',
  grid: '1/25',
  needs: ['mpeg2video'],
  async make(path) {
    await ffmpeg(...picture(5), ...['-c:v', 'mpeg2video', '-bf', '2', '-g', '15', '-b:v', '1M'], path)
    const bytes = await readFile(path)
    for (const part of [0.35, 0.38]) {
      const packet = Math.floor((bytes.length * part) / 188) * 188
      bytes.fill(0x5a, packet + 60, packet + 90)
    }
    await writeFile(path, bytes)
  },
}

export const shortTs: Clip = {
  name: 'MPEG-2 in MPEG-TS that breaks off within a picture',
  extension: 'ts',
  grid: '1/25',
  needs: ['mpeg2video'],
  async make(path) {
    await ffmpeg(...picture(5), ...['-c:v', 'mpeg2video', '-bf', '2', '-g', '15', '-b:v', '1M'], path)
    const { length } = await readFile(path)
    await truncate(path, Math.floor((length * 0.8) / 188) * 188)
  },
}
