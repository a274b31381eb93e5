/** A whole blob into a sink: the next ranges are asked for while the sink takes the last one. */

import { ProtocolError } from '../errors.ts'
import { BLOB_RANGE_BYTES_MAX, BLOB_RANGES_OUTSTANDING } from './constants.ts'
import type { BlobDownload, BlobReader } from './index.ts'

export async function download(reader: BlobReader, options: BlobDownload): Promise<void> {
  const { sizeBytes } = options
  if (reader.sizeBytes !== sizeBytes) {
    throw new ProtocolError({
      code: 'SIZE_DIFFERS',
      expectedBytes: sizeBytes,
      actualBytes: reader.sizeBytes,
    })
  }
  const ahead: Promise<Uint8Array>[] = []
  let next = 0
  for (let taken = 0; taken < sizeBytes; ) {
    while (ahead.length < BLOB_RANGES_OUTSTANDING && next < sizeBytes) {
      const length = Math.min(BLOB_RANGE_BYTES_MAX, sizeBytes - next)
      const range = reader.read(next, length, options)
      // Where an earlier range fails, nobody is left to hear of the later ones.
      range.catch(() => {})
      ahead.push(range)
      next += length
    }
    const bytes = await ahead.shift()
    if (bytes === undefined) return
    await options.write(bytes)
    taken += bytes.byteLength
    options.onBytes?.(bytes.byteLength)
  }
}
