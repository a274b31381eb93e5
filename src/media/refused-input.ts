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

const MAKE_A_VIDEO = "make a video of them first, such as with 'ffmpeg -i INPUT -c:v ffv1 OUTPUT.mkv'"
