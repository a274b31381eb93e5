/** How large a segment may be, whoever makes it. */

/** Four planes of 16 bits each take no more a pixel, and a container little beside them. */
const BYTES_A_PIXEL_MAX = 8
const CONTAINER_BYTES_MAX = 16 * 2 ** 20

/** More than any encoder makes of such pictures. @param picture size and pixel format, such as `1920x1080 yuv420p` */
export function segmentBytesMax(picture: string, frames: number): number {
  const [, width = 0, height = 0] = /^(\d+)x(\d+) /.exec(picture)?.map(Number) ?? []
  return CONTAINER_BYTES_MAX + frames * (width * height * BYTES_A_PIXEL_MAX + 2 ** 12)
}
