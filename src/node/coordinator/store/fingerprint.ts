/** By which a source is known again: a digest of samples all over it, since reading all of a large file takes minutes. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { SourceMark } from './records.ts'

const SAMPLES = 64
const SAMPLE_BYTES = 64 * 1024

export async function markSource(path: string, options: { signal: AbortSignal }): Promise<SourceMark> {
  const file = await open(path, 'r')
  try {
    const { size, mtimeMs } = await file.stat()
    const hash = createHash('sha256').update(`${size} `)
    const buffer = Buffer.alloc(SAMPLE_BYTES)
    // Evenly, the file's very beginning and end among them.
    const step = Math.max(SAMPLE_BYTES, (size - SAMPLE_BYTES) / (SAMPLES - 1))
    for (let count = 0; count < SAMPLES && count * step < size; count++) {
      options.signal.throwIfAborted()
      const { bytesRead } = await file.read(buffer, 0, SAMPLE_BYTES, Math.floor(count * step))
      hash.update(buffer.subarray(0, bytesRead))
    }
    return { sizeBytes: size, modifiedMs: mtimeMs, fingerprint: hash.digest('hex') }
  } finally {
    await file.close()
  }
}

export function isSameSource(a: SourceMark, b: SourceMark): boolean {
  return a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs && a.fingerprint === b.fingerprint
}
