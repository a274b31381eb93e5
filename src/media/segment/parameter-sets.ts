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

/** The visual object layer's headers out of an elementary stream descriptor, up to the encoder's own words. */
function mpeg4Headers(descriptor: Buffer): Buffer | undefined {
  const headers = decoderSpecificInfo(descriptor)
  const words = headers?.indexOf(USER_DATA) ?? -1
  return words < 0 ? undefined : headers?.subarray(0, words)
}

/** ISO/IEC 14496-1, 7.2.6: what stands before it, such as bit rates, is of this file alone. */
function decoderSpecificInfo(box: Buffer): Buffer | undefined {
  // Version and flags.
  let at = 4
  const open = (tag: number): number | undefined => {
    if (box[at++] !== tag) return undefined
    let length = 0
    for (let count = 0; count < 4; count++) {
      const byte = box[at++] ?? 0
      length = (length << 7) | (byte & 0x7f)
      if (byte < 0x80) break
    }
    return length
  }
  if (open(ES_DESCRIPTOR) === undefined) return undefined
  const flags = box[at + 2] ?? 0
  at += 3
  if ((flags & 0x80) !== 0) at += 2
  if ((flags & 0x40) !== 0) at += 1 + (box[at] ?? 0)
  if ((flags & 0x20) !== 0) at += 2
  if (open(DECODER_CONFIGURATION) === undefined) return undefined
  // Kinds, buffer and bit rates.
  at += 13
  const length = open(DECODER_SPECIFIC_INFO)
  return length === undefined ? undefined : box.subarray(at, at + length)
}

const [ES_DESCRIPTOR, DECODER_CONFIGURATION, DECODER_SPECIFIC_INFO] = [3, 4, 5]
