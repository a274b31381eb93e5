/**
 * Compares the pictures of a stretch of two films, one by one: each with its own counterpart, and with those before and
 * after that. Both are read from near the stretch, not from their start.
 */
import { fileAccess, run, type Tool } from '../ffmpeg/index.ts'
import { type FilterChain, NO_FILTERS } from '../filters/index.ts'
import type { FrameIndex } from '../frame-index.ts'
import { fileUrl, type Source } from '../probe.ts'
import { filterChain, inputArguments } from '../segment/arguments.ts'
import { type FilteredSource, segmentSource } from '../segment/index.ts'
import type { Stretch } from './samples.ts'

/** A film in a file: what its frames are, and what filters make them. */
export interface FilmFile extends FilteredSource {
  readonly file: Pick<Source, 'path' | 'fd' | 'format'> & {
    readonly video: Pick<Source['video'], 'index' | 'width' | 'height' | 'pixelFormat'>
  }
  /** The place of its first frame in the film that it is a part of; by default it is the whole. */
  readonly begins?: number
  readonly chain: FilterChain
  /** See `SegmentInput`. */
  readonly x264Build: number | undefined
}

/** A file whose frames are taken as they are. @param begins as of {@link FilmFile.begins} */
export function filmAsItIs(file: FilmFile['file'], index: FrameIndex, begins = 0): FilmFile {
  const { pts, timeBase } = index
  const timing = { source: timeBase, encoder: timeBase, zeroMicroseconds: 0n, startMicroseconds: 0n }
  return {
    ...{ file, begins, index, chain: NO_FILTERS, zeroMicroseconds: 0n, x264Build: undefined },
    film: { pts, untrimmed: pts, first: 0, timing, filtered: undefined },
  }
}

export interface PictureScore {
  /** In the film. */
  readonly place: number
  /** Structural similarity to the picture of the same time, 0 to 1; undefined to those beside it at a stretch's ends. */
  readonly ssim: number
  readonly ssimBefore: number | undefined
  readonly ssimAfter: number | undefined
  /** Of the two pictures shrunk to 64x36, in dB. Encoders lose detail, never the large shapes. */
  readonly coarsePsnr: number
  /** Of the shrunk pictures' light and colour apart, the worse of both planes; undefined where a film has no such planes. */
  readonly planes: { readonly lightPsnr: number; readonly colourPsnr: number } | undefined
  /** By how many dB the shrunk picture's light would be nearer to the source's if that were expanded to full range, or squeezed from it. */
  readonly levelsGain: number
}

// Detail beyond this is the encoder's to lose, and costs time to compare.
const WIDTH_MAX = 480
/** Light as it is, from limited to full range, and back, as FFmpeg's `lutyuv` takes it. */
const LIGHTS = ['val', 'clip((val-16)*255/219,0,255)', 'val*219/255+16']
// What two equal pictures have: infinity is no number to take a median of.
const PSNR_MAX = 100

/**
 * @param from `near`: reads from the keyframe before the stretch; `start`: from the films' first frames, which is slow
 * and cannot miss anything
 * @returns undefined where a film gave fewer frames than there are
 */
export async function comparePictures(
  ffmpeg: Tool,
  [output, source]: readonly [FilmFile, FilmFile],
  { first, end }: Stretch,
  {
    from,
    signal,
    background = false,
  }: { from: 'near' | 'start'; signal?: AbortSignal | undefined; background?: boolean },
): Promise<PictureScore[] | undefined> {
  const count = end - first
  const ssim: number[] = []
  const coarse: number[] = []
  const planes: { lightPsnr: number; colourPsnr: number }[] = []
  const haveColours = [output, source].every(({ file }) => /^(yuv|nv|p0)/.test(file.video.pixelFormat))
  const films = [output, source].map((film) => readFilm(film, { first, end }, from))
  await run(
    ffmpeg,
    [
      ...['-v', 'error', '-nostdin', ...films.flatMap(({ input }) => input)],
      ...['-filter_complex', graph(films, output.file, count), '-map', '[fine]', '-map', '[coarse]'],
      ...['-fps_mode:v', 'passthrough', '-f', 'null', '-'],
    ],
    {
      signal,
      background,
      access: fileAccess([output.file, source.file]),
      onLine(line) {
        const fine = /\bAll:(\S+)/.exec(line)?.[1]
        const [psnr, y, u, v] = ['avg', 'y', 'u', 'v'].map((plane) => psnrIn(line, plane))
        if (fine !== undefined) ssim.push(Number(fine))
        if (psnr !== undefined) coarse.push(psnr)
        if (y !== undefined && u !== undefined && v !== undefined) {
          planes.push({ lightPsnr: y, colourPsnr: Math.min(u, v) })
        }
      },
    },
  )
  if (coarse.length !== LIGHTS.length * count || planes.length !== coarse.length) return undefined
  if (ssim.length !== 3 * count - 2) return undefined
  // In the order of `interleave`: each picture with its own, then the next with this one, then this with the next.
  return Array.from({ length: count }, (_, at) => ({
    place: first + at,
    ssim: ssim[3 * at] ?? 0,
    ssimBefore: at === 0 ? undefined : ssim[3 * at - 2],
    ssimAfter: ssim[3 * at + 2],
    coarsePsnr: coarse[LIGHTS.length * at] ?? 0,
    planes: haveColours ? planes[LIGHTS.length * at] : undefined,
    levelsGain: levelsGain(planes.slice(LIGHTS.length * at, LIGHTS.length * (at + 1))),
  }))
}

function levelsGain([own, ...others]: readonly { lightPsnr: number }[]): number {
  return Math.max(...others.map(({ lightPsnr }) => lightPsnr)) - (own?.lightPsnr ?? 0)
}

function psnrIn(line: string, plane: string): number | undefined {
  const psnr = new RegExp(`\\bpsnr_${plane}:(\\S+)`).exec(line)?.[1]
  if (psnr === undefined) return undefined
  return psnr === 'inf' ? PSNR_MAX : Number(psnr)
}

function readFilm(film: FilmFile, { first, end }: Stretch, from: 'near' | 'start') {
  const { file, index, chain, zeroMicroseconds, x264Build, begins = 0 } = film
  const task = {
    ...segmentSource(film, first - begins, end - begins),
    ...{ format: file.format, timeBase: index.timeBase, zeroMicroseconds, x264Build, filters: chain.text },
  }
  const seekPts = from === 'near' ? task.seekPts[0] : undefined
  return {
    input: inputArguments(task, seekPts, { inputUrl: fileUrl(file.path) }),
    stream: file.video.index,
    chain: filterChain(task),
  }
}

function graph(
  films: readonly { stream: number; chain: string }[],
  { video: { width, height } }: FilmFile['file'],
  count: number,
): string {
  const fineWidth = even(Math.min(WIDTH_MAX, width))
  const size = `${fineWidth}:${even((height * fineWidth) / Math.max(1, width))}`
  const [out, src] = ['out', 'src']
  const others = count > 1
  const parts = films.map(({ stream, chain }, place) => {
    const name = place === 0 ? out : src
    const copies = ['own', ...(others ? ['low', 'high'] : []), 'small'].map((copy) => `[${name}-${copy}]`)
    const scaled = [chain, `scale=${size}:flags=area`, 'format=yuv420p', 'setsar=1', 'settb=1/1000']
    return `[${place}:${stream}]${scaled.filter((text) => text !== '').join(',')},split=${copies.length}${copies.join('')}`
  })
  const low = `trim=end_frame=${count - 1}`
  const high = 'trim=start_frame=1'
  return [
    ...parts,
    ...[out, src].flatMap((name) => {
      const [before, after] =
        name === out
          ? [`[${name}-high]${high}`, `[${name}-low]${low}`]
          : [`[${name}-low]${low}`, `[${name}-high]${high}`]
      return [
        `[${name}-own]setpts=120*N[${name}-0]`,
        ...(others ? [`${before},setpts=120*N+40[${name}-1]`, `${after},setpts=120*N+80[${name}-2]`] : []),
        `${(others ? [0, 1, 2] : [0]).map((at) => `[${name}-${at}]`).join('')}${others ? 'interleave=nb_inputs=3' : 'null'}[${name}-all]`,
        ...shrunk(name, name === out ? LIGHTS.map(() => 'val') : LIGHTS),
      ]
    }),
    `[${out}-all][${src}-all]ssim=stats_file=-:shortest=1[fine]`,
    `[${out}-coarse][${src}-coarse]psnr=stats_file=-:shortest=1[coarse]`,
  ].join(';')
}

/** Each picture once for each light, in turn. */
function shrunk(name: string, lights: readonly string[]): string[] {
  const pads = (letter: string) => lights.map((_, at) => `[${name}-${letter}${at}]`)
  const [before, after] = [pads('b'), pads('a')]
  return [
    `[${name}-small]scale=64:36:flags=area,split=${lights.length}${before.join('')}`,
    ...lights.map((light, at) => `${before[at]}lutyuv=y='${light}',setpts=120*N+${40 * at}${after[at]}`),
    `${after.join('')}interleave=nb_inputs=${lights.length}[${name}-coarse]`,
  ]
}

/** At least 16: SSIM looks at windows of 8x8. */
function even(length: number): number {
  return Math.max(16, 2 * Math.round(length / 2))
}
