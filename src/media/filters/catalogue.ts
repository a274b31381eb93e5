/**
 * What each video filter needs so that a segment's frames are those of the whole film: how many frames before the cut it
 * must have seen, and whether it gives each frame back at its own time. Measured by comparing frame hashes of cuts with
 * those of the whole; a filter that is not listed here is not taken.
 */
import { argumentOf, type VideoFilter } from './chain.ts'

export interface FilterNeeds {
  /** Frames before a segment's first that the filter must have seen; `all`: everything from the film's start. */
  readonly history: number | 'all'
  /**
   * `kept`: one frame out for each frame in, at the same time; `moved`: one for each, at another time; `changed`: more or
   * fewer frames, which still stand near the frames they are made of.
   */
  readonly times: 'kept' | 'moved' | 'changed'
}

/** Needs that depend on the options are a function of them; a string says why a filter is not taken. */
type Entry = FilterNeeds | ((filter: VideoFilter) => FilterNeeds | string)

const FRAME_BY_FRAME: FilterNeeds = { history: 0, times: 'kept' }
const EVERYTHING: FilterNeeds = { history: 'all', times: 'kept' }
const ANYTHING: FilterNeeds = { history: 'all', times: 'changed' }

// A neighbourhood that the measurement may have missed by its source: never less than this.
const MARGIN_FRAMES = 2
const neighbours = (frames: number, times: FilterNeeds['times'] = 'kept'): FilterNeeds => ({
  history: frames + MARGIN_FRAMES,
  times,
})

const words = (text: string) => text.trim().split(/\s+/)
const all = (names: string, entry: Entry) => words(names).map((name): [string, Entry] => [name, entry])

const CATALOGUE: ReadonlyMap<string, Entry> = new Map<string, Entry>([
  ...all(
    `scale zscale pad format noformat setsar setdar setparams setrange setfield hflip vflip transpose rotate shear
    swapuv swaprect null copy fillborders drawbox drawgrid delogo perspective lenscorrection v360`,
    FRAME_BY_FRAME,
  ),
  ...all(
    `eq hue huesaturation colorspace colormatrix colorchannelmixer colorbalance colorlevels colorcontrast colorcorrect
    colortemperature colorize colorhold colorkey chromahold chromakey chromashift rgbashift hsvhold hsvkey lumakey despill
    vibrance exposure selectivecolor curves histeq grayworld monochrome pseudocolor negate limiter lut lutyuv lutrgb
    shuffleplanes tonemap floodfill`,
    FRAME_BY_FRAME,
  ),
  ...all(
    `unsharp cas gblur boxblur avgblur smartblur sab bilateral yaepblur median nlmeans vaguedenoiser owdenoise dctdnoiz bm3d
    chromanr removegrain deband gradfun deblock spp fspp pp7 sharpen convolution edgedetect sobel prewitt roberts scharr kirsch
    dilation erosion inflate deflate pixelize maskfun xbr hqx epx super2xsai il field`,
    FRAME_BY_FRAME,
  ),

  // A few frames on each side.
  ...all('kerndeint phase fieldorder', neighbours(1)),
  ['dedot', neighbours(4)],
  ['fftdnoiz', neighbours(1)],
  ['atadenoise', (filter) => neighbours(Math.ceil(wholeNumber(filter, ['s'], 9, 12) / 2))],
  ['tmix', (filter) => neighbours(wholeNumber(filter, ['frames'], 3, 0))],
  ['yadif', (filter) => deinterlacer(filter, 'frame')],
  ['bwdif', (filter) => deinterlacer(filter, 'field')],
  ['w3fdif', (filter) => deinterlacer(filter, 'field', 1)],
  ['estdif', (filter) => deinterlacer(filter, 'field')],
  ['separatefields', neighbours(1, 'changed')],
  ['fps', neighbours(2, 'changed')],

  // Each frame depends on all before it, or on their number.
  ...all(
    `hqdn3d noise vignette lagfun deflicker deshake fieldmatch normalize photosensitivity scroll`,
    EVERYTHING,
  ),
  ['geq', geq],
  ['crop', (filter) => (remembersPlace(filter) ? EVERYTHING : FRAME_BY_FRAME)],
  ['stereo3d', stereo3d],
  ['setpts', setpts],
  ['fade', (filter) => (countsFadeFrames(filter) ? EVERYTHING : FRAME_BY_FRAME)],
  ...all(
    `select shuffleframes settb framerate minterpolate framestep decimate mpdecimate dejudder pullup telecine tinterlace interlace
    weave doubleweave tblend tmedian amplify thumbnail tile zoompan detelecine`,
    ANYTHING,
  ),

  ...all(
    'movie subtitles ass lut3d lut1d haldclut removelogo find_rect cover_rect fieldhint nnedi frei0r',
    files,
  ),
  ...all(
    'vidstabdetect vidstabtransform sr derain dnn_processing dnn_detect dnn_classify sendcmd zmq',
    files,
  ),
  ['drawtext', () => 'needs fonts, which differ from machine to machine'],
  ['repeatfields', () => 'gives frames without times'],
  ['reverse', () => 'needs the whole film in memory'],
  ['trim', () => 'cuts the film, but not its sound; use -ss, -t and -to'],
  [
    'tpad',
    () => 'makes the film longer than its sound; put the pictures before or behind it with ffmpeg first',
  ],
  ['loop', () => 'repeats frames of the whole film; cut and repeat with ffmpeg first'],
  ...all('random elbg greyedge pp', () => 'gives other pictures each time it is run'),
  ...all('hwupload hwdownload hwmap libplacebo', () => 'needs a device that the other machines may not have'),
])

function files(): string {
  return 'works with files, which the other machines do not have'
}

/** What a filter needs, or in a few words why it is not taken. */
export function needsOf(filter: VideoFilter): FilterNeeds | string {
  const entry = CATALOGUE.get(filter.name)
  if (entry === undefined) {
    return /_(vaapi|cuda|npp|qsv|opencl|vulkan|vt)$/.test(filter.name)
      ? 'needs a device that the other machines may not have'
      : 'is not known to give the same frames segment by segment'
  }
  const needs = typeof entry === 'function' ? entry(filter) : entry
  if (typeof needs === 'string') return needs
  if (namesFile(filter)) return files()
  return needs.history !== 'all' && countsFrames(filter) ? { ...needs, history: 'all' } : needs
}

/** One frame for each frame, or one for each field; a frame is made from its neighbours' fields. */
function deinterlacer(filter: VideoFilter, byDefault: 'frame' | 'field', place = 0): FilterNeeds {
  const mode = argumentOf(filter, ['mode'], place) ?? byDefault
  const perFrame = /^(0|2|frame|send_frame|send_frame_nospatial)$/.test(mode)
  return neighbours(2, perFrame ? 'kept' : 'changed')
}

function wholeNumber(filter: VideoFilter, names: string[], byDefault: number, place: number): number {
  const value = Number(argumentOf(filter, names, place) ?? byDefault)
  return Number.isInteger(value) && value > 0 && value <= 1024 ? value : 1024
}

/** Its rows are made by several threads, each with a memory of its own. */
function geq({ args }: VideoFilter): FilterNeeds | string {
  return REMEMBERS.test(args) ? 'gives other pictures each time it is run' : FRAME_BY_FRAME
}

/** A time that follows from the frame's own time alone needs no history. */
function setpts(filter: VideoFilter): FilterNeeds | string {
  const used: string[] = filter.args.match(/[a-z_][a-z0-9_]*/gi) ?? []
  if (used.some((word) => /^(rtctime|rtcstart|random)$/i.test(word))) {
    return 'gives other times each time it is run'
  }
  const remembers = used.some((word) => /^(n|start_?pts|startt|prev_.*|st|ld|s|sr|pos|nb_.*)$/i.test(word))
  return { history: remembers ? 'all' : 0, times: 'moved' }
}

/** `fade=in:0:30` and `fade=s=10:n=20` count frames; `fade=t=in:st=1:d=2` goes by time. */
function countsFadeFrames(filter: VideoFilter): boolean {
  const byTime = argumentOf(filter, ['duration', 'd'])
  // Without a length it goes by frames, whatever its start goes by.
  return (
    byTime === undefined ||
    !/[1-9]/.test(byTime) ||
    argumentOf(filter, ['start_frame', 's', 'nb_frames', 'n'], 1) !== undefined
  )
}

/** Whether the place of a cut-out goes by where it was in the frame before: `x` and `y` in its own expressions. */
function remembersPlace(filter: VideoFilter): boolean {
  return [argumentOf(filter, ['x'], 2), argumentOf(filter, ['y'], 3)].some((text) =>
    /\b[xy]\b/i.test(text ?? ''),
  )
}

/** In turn, one eye after the other, it makes two frames of one. */
function stereo3d(filter: VideoFilter): FilterNeeds | string {
  const out = argumentOf(filter, ['out'], 1) ?? ''
  return /^a[lr]$/.test(out)
    ? 'makes two frames of one, without times of their own; choose another output'
    : FRAME_BY_FRAME
}

/** Whether an expression goes by the number of the frame (`perspective` calls it `in` and `on`), or by the frames before. */
function countsFrames({ name, args }: VideoFilter): boolean {
  if (REMEMBERS.test(args)) return true
  const used = args.match(/[a-z_][a-z0-9_]*/gi) ?? []
  return used.some((word) => /^(n|pos)$/i.test(word) || (name === 'perspective' && /^(in|on)$/.test(word)))
}

/** Functions of FFmpeg's expressions that keep what they have from one frame to the next. */
const REMEMBERS = /\b(st|ld|random)\s*\(/

/**
 * An option that opens a file, or a value that looks like a path: a `/` that does not divide. FFmpeg takes escapes off names too,
 * and takes options by their place.
 */
function namesFile({ name, args }: VideoFilter): boolean {
  const plain = args.replace(/[\\']/g, '')
  const byPlace = plain.split(':').filter((word) => !word.includes('=')).length
  if (byPlace > (PLACES_BEFORE_FILE.get(name) ?? Number.POSITIVE_INFINITY)) return true
  return /(file(name)?|psfile|plot|kernel)\s*=|\//i.test(plain.replace(/[0-9a-z_)]\s*\/\s*[0-9a-z_(]/gi, ''))
}

/** How many options without a name may stand before one is a file. */
const PLACES_BEFORE_FILE: ReadonlyMap<string, number> = new Map([
  ['curves', 5],
  ['deshake', 10],
])
