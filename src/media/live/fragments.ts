/**
 * A fragmented movie (ISO/IEC 14496-12) as it comes out of FFmpeg's muxer, cut into its header and its fragments, each with the times of the
 * video's frames in it. Nothing is decoded, and no more than one fragment is held.
 */

/** Times in ticks of the video track's time scale. */
export interface FragmentFrames {
  /** In decode order. */
  readonly pts: BigInt64Array
  /** Whether a decoder can start with the fragment's first frame. */
  readonly startsWithKeyframe: boolean
  /** Where in decode time it begins, and the next one would. */
  readonly startDts: bigint
  readonly endDts: bigint
}

export interface MovieHeader {
  /** `ftyp` and `moov`: with it in front, a run of fragments is a movie of its own. */
  readonly bytes: Buffer
  /** Ticks a second. */
  readonly timeScale: number
  readonly trackId: number
}

export interface Fragment {
  /** `moof` and `mdat`. */
  readonly bytes: Buffer
  /** Undefined: it has none of the video. */
  readonly video: FragmentFrames | undefined
  /** Where the sound in it begins, in ticks of its track; undefined: it has none. */
  readonly soundStart: bigint | undefined
}

/** Ten seconds of raw video have less. */
const BOX_BYTES_MAX = 2 ** 30
const HEADER_BYTES_MAX = 16 * 2 ** 20

export interface FragmentSink {
  onHeader(header: MovieHeader): void
  onFragment(fragment: Fragment): void
}

export class FragmentReader {
  readonly #sink: FragmentSink
  #waiting: Buffer[] = []
  #waitingBytes = 0
  /** Boxes of what is being put together: the header, or one fragment. */
  #boxes: Buffer[] = []
  #header: MovieHeader | undefined

  constructor(sink: FragmentSink) {
    this.#sink = sink
  }

  /** @throws RangeError where it is no such movie */
  write(bytes: Buffer): void {
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    for (
      let size = this.#nextSize();
      size !== undefined && size <= this.#waitingBytes;
      size = this.#nextSize()
    ) {
      this.#take(this.#shift(size))
    }
  }

  /** Of the box that comes next; undefined: too little of it is here. */
  #nextSize(): number | undefined {
    if (this.#waitingBytes < 16) return undefined
    const first = this.#waiting[0]
    const head = first !== undefined && first.length >= 16 ? first : this.#join()
    const short = head.readUInt32BE(0)
    const size = short === 1 ? Number(head.readBigUInt64BE(8)) : short
    const most = head.toString('latin1', 4, 8) === 'mdat' ? BOX_BYTES_MAX : HEADER_BYTES_MAX
    if (size < 8 || size > most) throw new RangeError(`a box of ${size} bytes is none of a live movie's`)
    return size
  }

  #join(): Buffer {
    const all = Buffer.concat(this.#waiting)
    this.#waiting = [all]
    return all
  }

  #shift(size: number): Buffer {
    const first = this.#waiting[0]
    const all = first !== undefined && first.length >= size ? first : this.#join()
    this.#waiting =
      all.length > size ? [all.subarray(size), ...this.#waiting.slice(1)] : this.#waiting.slice(1)
    this.#waitingBytes -= size
    return all.subarray(0, size)
  }

  #take(box: Buffer): void {
    const name = box.toString('latin1', 4, 8)
    if (name === 'moov') {
      this.#header = toHeader(Buffer.concat([...this.#boxes.filter(isNamed('ftyp')), box]), box)
      this.#boxes = []
      this.#sink.onHeader(this.#header)
    } else if (name === 'mdat') {
      const moof = this.#boxes.find(isNamed('moof'))
      this.#boxes = []
      if (moof === undefined || this.#header === undefined)
        throw new RangeError('pictures without their times')
      this.#sink.onFragment(toFragment(moof, box, this.#header.trackId))
    } else if (name === 'ftyp' || name === 'moof') {
      this.#boxes.push(box)
    }
  }
}

/** A copy: what its boxes are a part of is not to be kept for it. */
function toFragment(moof: Buffer, mdat: Buffer, videoId: number): Fragment {
  const bytes = Buffer.concat([moof, mdat])
  const sound = [...trackStarts(bytes)].find(([id]) => id !== videoId)
  return { bytes, video: framesIn(moof, videoId), soundStart: sound?.[1] }
}

function isNamed(name: string): (box: Buffer) => boolean {
  return (box) => box.toString('latin1', 4, 8) === name
}

function toHeader(bytes: Buffer, moov: Buffer): MovieHeader {
  for (const track of boxesIn(moov, 8, 'trak')) {
    const [media] = boxesIn(track, 8, 'mdia')
    const [handler] = media === undefined ? [] : boxesIn(media, 8, 'hdlr')
    const [times] = media === undefined ? [] : boxesIn(media, 8, 'mdhd')
    const [track_] = boxesIn(track, 8, 'tkhd')
    if (handler?.toString('latin1', 16, 20) !== 'vide' || times === undefined || track_ === undefined)
      continue
    return {
      bytes,
      timeScale: times.readUInt32BE(times[8] === 1 ? 28 : 20),
      trackId: track_.readUInt32BE(track_[8] === 1 ? 28 : 20),
    }
  }
  throw new RangeError('a movie without video')
}

/** ISO/IEC 14496-12, 8.8.7 and 8.8.8. */
const [BASE_OFFSET, DESCRIPTION, DURATION, SIZE, FLAGS] = [0x1, 0x2, 0x8, 0x10, 0x20]
const [RUN_OFFSET, RUN_FIRST_FLAGS, RUN_DURATIONS, RUN_SIZES, RUN_FLAGS, RUN_COMPOSITION] = [
  ...[0x1, 0x4, 0x100, 0x200, 0x400, 0x800],
] as const
const NOT_A_KEYFRAME = 0x10000

function framesIn(moof: Buffer, trackId: number): FragmentFrames | undefined {
  for (const track of boxesIn(moof, 8, 'traf')) {
    const [head] = boxesIn(track, 8, 'tfhd')
    const [time] = boxesIn(track, 8, 'tfdt')
    if (head === undefined || time === undefined || head.readUInt32BE(12) !== trackId) continue
    const startDts = startOf(time)
    const flags = head.readUInt32BE(8) & 0xffffff
    let at = 16 + (flags & BASE_OFFSET ? 8 : 0) + (flags & DESCRIPTION ? 4 : 0)
    const next = (flag: number) => {
      if (!(flags & flag)) return 0
      at += 4
      return head.readUInt32BE(at - 4)
    }
    const usual = { duration: next(DURATION), size: next(SIZE), flags: next(FLAGS) }
    return framesOf(boxesIn(track, 8, 'trun'), startDts, usual)
  }
  return undefined
}

function framesOf(
  runs: readonly Buffer[],
  startDts: bigint,
  usual: { readonly duration: number; readonly flags: number },
): FragmentFrames | undefined {
  const pts: bigint[] = []
  let dts = startDts
  let firstFlags: number | undefined
  for (const run of runs) {
    const flags = run.readUInt32BE(8) & 0xffffff
    const count = run.readUInt32BE(12)
    const isSigned = run[8] === 1
    let at = 16 + (flags & RUN_OFFSET ? 4 : 0)
    const next = (flag: number, otherwise: number) => {
      if (!(flags & flag)) return otherwise
      at += 4
      return run.readUInt32BE(at - 4)
    }
    const ofFirst = next(RUN_FIRST_FLAGS, usual.flags)
    for (let frame = 0; frame < count; frame++) {
      const duration = next(RUN_DURATIONS, usual.duration)
      next(RUN_SIZES, 0)
      const own = next(RUN_FLAGS, frame === 0 ? ofFirst : usual.flags)
      firstFlags ??= own
      const composition = next(RUN_COMPOSITION, 0)
      pts.push(dts + BigInt(isSigned ? composition | 0 : composition))
      dts += BigInt(duration)
    }
  }
  if (firstFlags === undefined) return undefined
  const startsWithKeyframe = (firstFlags & NOT_A_KEYFRAME) === 0
  return { pts: BigInt64Array.from(pts), startsWithKeyframe, startDts, endDts: dts }
}

/** Where in decode time each track's samples in a fragment begin, in its own ticks. */
export function trackStarts(fragment: Buffer): ReadonlyMap<number, bigint> {
  const starts = new Map<number, bigint>()
  for (const track of tracksIn(fragment)) starts.set(track.id, track.start)
  return starts
}

/** Moves tracks in time, in place. @param by ticks, by track */
export function moveTracks(fragment: Buffer, by: ReadonlyMap<number, bigint>): void {
  for (const { id, start, time } of tracksIn(fragment)) {
    const moved = start + (by.get(id) ?? 0n)
    if (time[8] === 1) time.writeBigInt64BE(moved, 12)
    else if (moved >= 0n && moved < 2n ** 32n) time.writeUInt32BE(Number(moved), 12)
    else throw new RangeError(`no room for the time ${moved}`)
  }
}

/** Numbers fragments that stand behind each other, in place. @returns the number of the next */
export function numberFragments(fragments: Buffer, first: number): number {
  let number = first
  for (const moof of boxesIn(fragments, 0, 'moof')) {
    for (const head of boxesIn(moof, 8, 'mfhd')) head.writeUInt32BE(number >>> 0, 12)
    number++
  }
  return number
}

function tracksIn(fragment: Buffer): { id: number; start: bigint; time: Buffer }[] {
  return boxesIn(fragment, 0, 'moof').flatMap((moof) =>
    boxesIn(moof, 8, 'traf').flatMap((track) => {
      const [head] = boxesIn(track, 8, 'tfhd')
      const [time] = boxesIn(track, 8, 'tfdt')
      if (head === undefined || time === undefined) return []
      return [{ id: head.readUInt32BE(12), start: startOf(time), time }]
    }),
  )
}

function startOf(time: Buffer): bigint {
  return time[8] === 1 ? time.readBigInt64BE(12) : BigInt(time.readUInt32BE(12))
}

/** Those of that name that lie in a box, behind so many bytes of its own. */
function boxesIn(parent: Buffer, from: number, name: string): Buffer[] {
  const found: Buffer[] = []
  for (let at = from; at + 8 <= parent.length; ) {
    const size = parent.readUInt32BE(at)
    if (size < 8 || at + size > parent.length) break
    if (parent.toString('latin1', at + 4, at + 8) === name) found.push(parent.subarray(at, at + size))
    at += size
  }
  return found
}
