/**
 * The conversation of one blob stream: the reader names a blob and is told its size; then each request for a range is
 * answered, in order, by a status byte and, where that is OK, by a second message with exactly the bytes.
 */

import { z } from 'zod'
import { opaqueId } from '../messages.ts'
import { BLOB_RANGE_BYTES_MAX } from './constants.ts'

const byteCount = z.int().min(0)

export const blobOpen = z.object({ blob: opaqueId })

export const blobOpened = z.union([
  z.object({ sizeBytes: byteCount }),
  z.object({ code: z.literal('UNKNOWN_BLOB') }),
])

export const blobRequest = z.object({
  offset: byteCount,
  length: z.int().min(1).max(BLOB_RANGE_BYTES_MAX),
})

export type BlobRange = z.output<typeof blobRequest>

export const BLOB_STATUS = { OK: 0, OUT_OF_RANGE: 1, TRUNCATED: 2, BLOB_UNREADABLE: 3 } as const

export type BlobStatus = keyof typeof BLOB_STATUS

export function blobStatusOf(byte: number | undefined): BlobStatus | undefined {
  for (const [status, value] of Object.entries(BLOB_STATUS)) {
    if (value === byte) return status as BlobStatus
  }
  return undefined
}
