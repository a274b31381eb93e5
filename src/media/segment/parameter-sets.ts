/**
 * What a segment tells its decoder beforehand, without the words that encoders write beside it: x265 its version, options,
 * threads and CPU's features, FFmpeg's MPEG-4 encoder its version. Those differ between machines and decode nothing.
 */
import { createHash } from 'node:crypto'
import { child, readSampleTable } from './movie-box.ts'

/**
 * @param extradata digest of the headers as they stand, which counts for all other codecs
 * @returns a digest that is the same where segments can follow each other in one track
 */
export async function digestParameterSets(path: string, extradata: string): Promise<string> {
  const table = await readSampleTable(path)
  const description = table && child(table, 'stsd')
  // Version and number of entries; then one entry's header and fields (ISO/IEC 14496-12, 12.1.3).
  const boxes = description?.subarray(8 + 86)
  if (boxes === undefined) return extradata
  const hevc = child(boxes, 'hvcC')
  const mpeg4 = child(boxes, 'esds')
  const sets = hevc ? hevcSets(hevc) : mpeg4 ? [mpeg4Headers(mpeg4)] : []
  const known = sets.filter((set) => set !== undefined)
  if (known.length === 0) return extradata
  const hash = createHash('sha256')
  for (const set of known) hash.update(`${set.length} `).update(set)
  return `SHA256:${hash.digest('hex')}`
}

const HEVC_PREFIX_SEI = 39

/** The NAL units of a decoder configuration record (ISO/IEC 14496-15, 8.3.2), and what precedes them. */
function hevcSets(record: Buffer): Buffer[] {
  const sets = [record.subarray(0, 22)]
  let at = 23
  for (let arrays = record[22] ?? 0; arrays > 0 && at + 3 <= record.length; arrays--) {
    const type = record.readUInt8(at) & 0x3f
    const count = record.readUInt16BE(at + 1)
    at += 3
    for (let place = 0; place < count && at + 2 <= record.length; place++) {
      const size = record.readUInt16BE(at)
      const unit = record.subarray(at + 2, at + 2 + size)
      if (type !== HEVC_PREFIX_SEI || !isUserData(unit)) sets.push(unit)
      at += 2 + size
    }
  }
  return sets
}

/** Whether an SEI unit is one unregistered user data message (H.265, D.2.7) and nothing behind it. */
function isUserData(unit: Buffer): boolean {
  if (unit[2] !== 5) return false
  let size = 0
  let at = 3
  while (unit[at] === 0xff) {
    size += 255
    at++
  }
  size += unit[at] ?? 0
  // One byte of trailing bits may follow.
  return at + 1 + size >= unit.length - 1
}

const USER_DATA = Buffer.from([0, 0, 1, 0xb2])
const START = Buffer.from([0, 0, 1])

/** The visual object layer's headers out of an elementary stream descriptor, up to the encoder's own words. */
function mpeg4Headers(descriptor: Buffer): Buffer | undefined {
  const from = descriptor.indexOf(START)
  if (from < 0) return undefined
  const words = descriptor.indexOf(USER_DATA, from)
  return words < 0 ? undefined : descriptor.subarray(from, words)
}
