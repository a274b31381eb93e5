/** Where in its file a film's packets lie: enough of it to tell which bytes a stretch of time needs. */
import { lowerBound } from './ascending-times.ts'

/** Places in the file, sampled: up to `bytes[n]` lie all packets that are shown before `pts[n]`. Both ascend. */
export interface PacketPositions {
  readonly pts: BigInt64Array
  readonly bytes: Float64Array
}

/** Half-open; an open end is the file's. */
export interface ByteRange {
  readonly start: number
  readonly end: number | undefined
}

/** Between two keyframes one packet of so many is kept. */
const PACKETS_A_SAMPLE = 8

/** Takes packets in file order. */
export class PositionSampler {
  readonly #pts: bigint[] = []
  readonly #bytes: number[] = []
  #sinceSample = 0
  #isKnown = true

  /** @param position as ffprobe writes it: `N/A` where the demuxer does not know */
  read(pts: bigint, position: string | undefined, isKeyframe: boolean): void {
    const bytes = Number(position)
    if (!Number.isSafeInteger(bytes)) this.#isKnown = false
    this.#sinceSample++
    if (!isKeyframe && this.#sinceSample < PACKETS_A_SAMPLE) return
    // What is shown earlier and what lies further ahead says nothing of the border.
    if (pts <= (this.#pts.at(-1) ?? pts - 1n) || bytes <= (this.#bytes.at(-1) ?? -1)) return
    this.#sinceSample = 0
    this.#pts.push(pts)
    this.#bytes.push(bytes)
  }

  toPositions(): PacketPositions | undefined {
    return this.#isKnown
      ? { pts: BigInt64Array.from(this.#pts), bytes: Float64Array.from(this.#bytes) }
      : undefined
  }
}

/**
 * The bytes that a decoder should need for the frames of a stretch, some packets behind it included: it shows a frame when it has got
 * some more. A guess, by which nothing but speed is decided.
 *
 * @param from of the keyframe that decoding starts with; undefined: the file's start
 * @param to undefined: the file's end
 */
export function neededBytes(
  { pts, bytes }: PacketPositions,
  from: bigint | undefined,
  to: bigint | undefined,
): ByteRange {
  const first = from === undefined ? -1 : lowerBound(pts, from + 1n) - 1
  return {
    start: bytes[first] ?? 0,
    end: to === undefined ? undefined : bytes[lowerBound(pts, to) + 1],
  }
}
