/**
 * Pieces of a live film: what comes in is cut where a decoder can start, into stretches of its time that follow each other without a gap.
 * Pure. A frame is in one piece by its presentation time, whatever its place among the packets: pictures that lead a keyframe in
 * time and follow it in the stream belong to the piece before, whose bytes go on that far.
 */
import type { Fragment, FragmentFrames, MovieHeader } from './fragments.ts'

export interface Piece {
  /** From 0. */
  readonly index: number
  readonly header: MovieHeader
  /** From a keyframe on, as many as its frames need; behind the header they are a movie of its own. */
  readonly fragments: readonly Fragment[]
  /** Those of them that it is made of: the sound in them is its sound, once. */
  readonly own: readonly Fragment[]
  /** Its frames' times, ascending, in ticks of the header's time scale. */
  readonly pts: BigInt64Array
  /** Half-open; where the next piece begins. */
  readonly startPts: bigint
  readonly endPts: bigint
  /** Of all frames that its bytes hold, ascending: some are another piece's. */
  readonly heldPts: BigInt64Array
  /** Whether what was before it is of another input: one that broke off, or began anew. */
  readonly isDiscontinuous: boolean
}

export interface PieceInit {
  /** A piece is no shorter, unless the input ends. */
  readonly pieceSeconds: number
  /** Nor longer: where no keyframe comes in time, a piece ends without one. */
  readonly pieceSecondsMax: number
  onPiece(piece: Piece): void
}

/** More than a decoder ever looks back over: an input without keyframes is no film. */
const FRAGMENTS_MAX = 1_000

interface Open {
  readonly own: Fragment[]
  /** What its decoding starts with. */
  readonly before: readonly Fragment[]
  readonly startPts: bigint
  readonly isDiscontinuous: boolean
}

export class PieceMaker {
  readonly #init: PieceInit
  #header: MovieHeader | undefined
  #open: Open | undefined
  #index = 0
  #isDiscontinuous = false

  constructor(init: PieceInit) {
    this.#init = init
  }

  /** The input begins, or begins anew: what comes now has nothing to do with what came. */
  begin(header: MovieHeader): void {
    this.end()
    this.#isDiscontinuous = this.#index > 0
    this.#header = header
  }

  /** Ticks a second of the video; undefined before it is known. */
  get timeScale(): number | undefined {
    return this.#header?.timeScale
  }

  add(fragment: Fragment): void {
    const { video } = fragment
    const open = this.#open
    if (video === undefined || video.pts.length === 0) {
      // Sound alone.
      open?.own.push(fragment)
      return
    }
    const firstPts = video.pts[0] ?? 0n
    if (open === undefined) {
      // Nothing can be decoded before the first keyframe.
      if (video.startsWithKeyframe) this.#start(fragment, firstPts, [])
      return
    }
    // Behind no keyframe a frame's place among the packets tells nothing of its time: the earliest that is to come.
    const nextPts = video.startsWithKeyframe ? firstPts : least(video.pts)
    const seconds = this.#seconds(nextPts - open.startPts)
    const withIt = this.#seconds(nextPts + video.endDts - video.startDts - open.startPts)
    const isWhole = video.startsWithKeyframe && seconds >= this.#init.pieceSeconds
    const isFull = withIt > this.#init.pieceSecondsMax || open.own.length >= FRAGMENTS_MAX
    if (!isWhole && !isFull) {
      open.own.push(fragment)
      return
    }
    const before = [...open.before, ...open.own]
    this.#finish(open, nextPts, fragment)
    const isSelfContained = video.startsWithKeyframe && !isOpenGroup(video)
    this.#start(fragment, nextPts, isSelfContained ? [] : fromKeyframe(before))
  }

  /** No more comes: what is there is a piece. */
  end(): void {
    const open = this.#open
    this.#open = undefined
    if (open !== undefined) this.#finish(open, undefined, undefined)
  }

  #start(fragment: Fragment, startPts: bigint, before: readonly Fragment[]): void {
    this.#open = { own: [fragment], before, startPts, isDiscontinuous: this.#isDiscontinuous }
    this.#isDiscontinuous = false
  }

  /** @param next the first fragment of the next piece: pictures in it may be this one's */
  #finish(open: Open, nextPts: bigint | undefined, next: Fragment | undefined): void {
    const header = this.#header
    if (header === undefined) return
    const needsNext = nextPts !== undefined && next?.video?.pts.some((pts) => pts < nextPts) === true
    const fragments = [...open.before, ...open.own, ...(needsNext && next !== undefined ? [next] : [])]
    const heldPts = timesOf(fragments)
    const endPts = nextPts ?? (heldPts.at(-1) ?? open.startPts) + 1n
    // What leads the very first keyframe cannot be decoded whole, and is left out, as decoders do.
    const pts = heldPts.filter((time) => time >= open.startPts && time < endPts)
    if (pts.length === 0) return
    this.#init.onPiece({
      ...{ index: this.#index++, header, fragments, own: open.own, pts, heldPts, endPts },
      startPts: open.startPts,
      isDiscontinuous: open.isDiscontinuous,
    })
  }

  #seconds(ticks: bigint): number {
    return Number(ticks) / (this.#header?.timeScale ?? 1)
  }
}

/**
 * Where pictures lead a keyframe in time, its group is an open one: decoders that begin there leave out what refers to the group before, and
 * with H.264's recovery points more than that.
 */
function isOpenGroup({ pts }: FragmentFrames): boolean {
  const [keyframe = 0n] = pts
  return pts.some((time) => time < keyframe)
}

/** From the last place on that a decoder can start at. */
function fromKeyframe(fragments: readonly Fragment[]): readonly Fragment[] {
  const at = fragments.findLastIndex(({ video }) => video?.startsWithKeyframe === true)
  return fragments.slice(Math.max(at, fragments.length - FRAGMENTS_MAX, 0))
}

function timesOf(fragments: readonly Fragment[]): BigInt64Array {
  const times = fragments.flatMap(({ video }) => (video === undefined ? [] : [...video.pts]))
  return BigInt64Array.from(times).sort()
}

function least(pts: BigInt64Array): bigint {
  return pts.reduce((earliest, time) => (time < earliest ? time : earliest))
}
