/** Inputs that are no video file, told apart so that each gets its own remedy. */
import type { Stats } from 'node:fs'

/** Why a name that no file has may have been meant otherwise; empty: just a wrong name. */
export function whyMissing(path: string): string {
  if (path === '-') return 'standard input cannot be read in several places at once: write it to a file first'
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(path))
    return 'addresses are not taken: download it first, and name the file'
  if (/^[a-z][a-z0-9+.-]+:/i.test(path))
    return "ffmpeg's protocols and devices are not taken: name one video file"
  if (/%\d*d/.test(path)) return `numbered pictures are not taken: ${MAKE_A_VIDEO}`
  if (path.includes('\u{fffd}')) return 'its name is not in UTF-8, as Node needs it: rename it first'
  return ''
}

export function whyNotAFile(stats: Pick<Stats, 'isDirectory'>): string {
  return stats.isDirectory()
    ? 'is a directory: name one video file'
    : 'is a pipe or a device, which cannot be read in several places at once: write it to a file first'
}

/** Why what ffmpeg takes for this format is not encoded, or undefined where it may be. */
export function whyFormatRefused(format: string): string | undefined {
  const why = whyKindRefused(format)
  if (why !== undefined || VIDEO_DEMUXERS.has(format)) return why
  return `what ffmpeg takes it for (${format}) is none of the formats that are read here: make another of it first, such as with 'ffmpeg -i INPUT -map 0 -c copy OUTPUT.mkv'`
}

/** The same of what is no file of video at all. */
export function whyKindRefused(format: string): string | undefined {
  if (/^(image2|.*_pipe)$/.test(format)) {
    return `ffmpeg takes it for a picture, or pictures without times (${format}): ${MAKE_A_VIDEO}`
  }
  if (/^(concat|hls|dash|imf|sdp)$/.test(format)) {
    return `it is a list of other files (${format}): make one of them first with 'ffmpeg -i INPUT -map 0 -c copy OUTPUT.mkv'`
  }
  if (/^(lavfi|vapoursynth|avisynth|rtsp|rtp|sap)$/.test(format)) {
    return `it is a script or an address (${format}), and no video file`
  }
  if (/^(tty|ffmetadata|bin|xbin|adf|idf)$/.test(format)) {
    return `ffmpeg takes it for text (${format}): name one video file`
  }
  return undefined
}

/**
 * Demuxers (by FFmpeg's first name of each) of files with times in them that hold video and name no other file. A peer has no other one
 * started here, whatever ffmpeg comes to have.
 */
const VIDEO_DEMUXERS: ReadonlySet<string> = new Set(
  `4xm apng asf asf_o av1 avi avs avs2 avs3 bethsoftvid bfi bink bmv c93 cavsvideo cdxl cine dhav dirac dnxhd dsicin dv dxa ea evc
  film_cpk filmstrip flic flv frm gdv gif gxf h261 h263 h264 hevc hnm idcin ifv ingenient ipmovie ipu iv8 ivf ivr jv kux live_flv lmlm4
  lvf lxf m4v matroska mgsts mjpeg mjpeg_2000 mm moflex mov mpeg mpegts mpegvideo msnwctcp mtv mv mvi mxf mxg nsv nut nuv obu ogg paf
  pmp psxstr pva r3d rl2 rm roq rpl sdr2 sga siff simbiosis_imx smjpeg smk smush swf thp tiertexseq tmv txd vc1 vc1test vividas vivo vmd
  vvc wc3movie wsvqa wtv xmv yop yuv4mpegpipe`.split(/\s+/),
)

/** What a text is a list of, by how it begins: nobody has to open what it names to know that. */
export function listFormat(beginning: string): string | undefined {
  const text = beginning.replace(/^\ufeff/, '').trimStart()
  if (text.startsWith('#EXTM3U')) return 'hls'
  if (text.startsWith('ffconcat version')) return 'concat'
  if (/^v=0\r?\n/.test(text)) return 'sdp'
  return /^<(MPD[\s>]|\?xml[\s\S]*<MPD[\s>])/.test(text) ? 'dash' : undefined
}

const MAKE_A_VIDEO = "make a video of them first, such as with 'ffmpeg -i INPUT -c:v ffv1 OUTPUT.mkv'"
