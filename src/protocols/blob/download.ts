/** A whole blob into a sink: the next ranges are asked for while the sink takes the last one. */

import { ProtocolError } from '../errors.ts'
import { BLOB_RANGE_BYTES_MAX, BLOB_RANGES_OUTSTANDING } from './constants.ts'
import type { BlobDownload, BlobReader, Pieces } from './index.ts'

export async function download(reader: BlobReader, options: BlobDownload): Promise<void> {
  const { sizeBytes } = options
  if (reader.sizeBytes !== sizeBytes) {
    throw new ProtocolError({
      code: 'SIZE_DIFFERS',
      expectedBytes: sizeBytes,
      actualBytes: reader.sizeBytes,
    })
  }
  const ahead: { length: number; pieces: Promise<Pieces> }[] = []
  let next = 0
  for (let taken = 0; taken < sizeBytes; ) {
    while (ahead.length < BLOB_RANGES_OUTSTANDING && next < sizeBytes) {
      const length = Math.min(BLOB_RANGE_BYTES_MAX, sizeBytes - next)
      const pieces = reader.read(next, length, options)
      // Where an earlier range fails, nobody is left to hear of the later ones.
      pieces.catch(() => {})
      ahead.push({ length, pieces })
      next += length
    }
    const range = ahead.shift()
    if (range === undefined) return
    await options.write(await range.pieces)
    taken += range.length
    options.onBytes?.(range.length)
  }
}
