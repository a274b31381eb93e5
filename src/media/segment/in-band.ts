/** Where an encoder's parameter sets can stand in the stream itself, and so change from segment to segment. */

/**
 * - `native`: they stand at every keyframe anyhow;
 * - `added`: they can be put there;
 * - `never`: they can stand beside the stream alone, or there are none.
 */
export type InBandHeaders = 'native' | 'added' | 'never'

/** @param encoder FFmpeg's name of it */
export function inBandHeaders(encoder: string): InBandHeaders {
  if (/264|265|hevc|^libkvazaar$|^mpeg4$|^libxvid$/.test(encoder)) return 'added'
  return /av1|^librav1e$|^mpeg[12]video$/.test(encoder) ? 'native' : 'never'
}

/** Writes them in front of every keyframe: FFmpeg's name of the packet filter. */
export const IN_BAND_FILTER = 'dump_extra'
