/**
 * How much an idle slot gets next: pure, over numbers. Guided self-scheduling: somewhat over half of what the slot can do until all
 * work is done, so that pieces are large first, taper, and all slots finish together.
 */

export interface SlotView {
  /** Frames per second; undefined before its first task. */
  readonly rate: number | undefined
  /** Frames of its current task that are not encoded yet; 0 when idle. */
  readonly pendingFrames: number
  /** Frames per second at which its segments come here once they are encoded; undefined: they are here at once, or nothing is known. */
  readonly link?: number | undefined
}

/** Frames per second that are here in the end: of a slot whose segments are on their way while the next is encoded. */
export function deliveryRate({ rate, link }: SlotView): number | undefined {
  return rate === undefined || link === undefined ? rate : Math.min(rate, link)
}

export interface SchedulePolicy {
  /** Of the whole film. */
  readonly totalFrames: number
  /** The source's frames in a second of the film, on average. */
  readonly framesPerSecond: number
  /** Length of every segment; undefined: as the rates say. */
  readonly segmentSeconds: number | undefined
  /** Slots ask when they are idle, and get nothing before; otherwise they are given their next task in their last second. */
  readonly isPull?: boolean
  /** The film seconds of a slot's first task, which measures it; undefined: slots are taken for equal, unmeasured. */
  readonly benchmarkSeconds: number | undefined
}

/** Below this, starting an encoder and what a segment's start costs in size weigh too much. */
export const SEGMENT_SECONDS_MIN = 2
/** In a long film the shortest pieces are so long: there size counts for more than the last second. */
const SHORTEST_SECONDS_MAX = 3
const PIECES_PER_SLOT = 12
/** How much of what a slot can do until the end it gets at once: the rest evens out what was misjudged. */
const SHARE_AT_ONCE = 0.55
/** A slot that would end so much behind the others gets no last piece. */
const MUCH_LATER = 1.25
// A rest of less than this part of the shortest piece: to start an encoder for it takes longer than to take it along.
const REST_TAKEN_ALONG = 0.4
const REST_OF_FIXED_TAKEN_ALONG = 0.25
/** What is lost when a peer dies in the middle. */
export const SEGMENT_SECONDS_MAX = 60
/**
 * What a cut costs goes by frames, not by time: a keyframe more among so many. A film of fewer frames a second (a
 * surveillance camera's, a time lapse) is cut into pieces of as many frames as one at this rate.
 */
export const FRAMES_PER_SECOND_MIN = 24

/**
 * The frames that `slot`, which is idle, should take of `remainingFrames`; 0 when the others will be done with all
 * before this one could finish the smallest piece. Never 0 for the fastest slot.
 *
 * @param others the job's other slots, idle or not
 */
export function framesForSlot(
  slot: SlotView,
  others: readonly SlotView[],
  remainingFrames: number,
  policy: SchedulePolicy,
): number {
  const { segmentSeconds, benchmarkSeconds } = policy
  if (remainingFrames <= 0) return 0
  if (segmentSeconds !== undefined) {
    const frames = segmentSeconds * policy.framesPerSecond
    return pieceOf(frames, remainingFrames, REST_OF_FIXED_TAKEN_ALONG * frames)
  }
  const framesPerSecond = Math.max(policy.framesPerSecond, FRAMES_PER_SECOND_MIN)
  const slots = others.length + 1
  const least = Math.max(
    SEGMENT_SECONDS_MIN * framesPerSecond,
    Math.min(SHORTEST_SECONDS_MAX * framesPerSecond, policy.totalFrames / (PIECES_PER_SLOT * slots)),
  )
  const most = SEGMENT_SECONDS_MAX * framesPerSecond
  const restTakenAlong = REST_TAKEN_ALONG * least

  if (slot.rate === undefined && benchmarkSeconds !== undefined) {
    const fair = remainingFrames / (4 * slots)
    const frames = Math.min(benchmarkSeconds * framesPerSecond, Math.max(least, fair))
    return pieceOf(frames, remainingFrames, restTakenAlong)
  }

  const known = [slot, ...others].flatMap((view) => deliveryRate(view) ?? [])
  const assumed = known.length === 0 ? 1 : known.reduce((sum, rate) => sum + rate, 0) / known.length
  const rateOf = (view: SlotView) => deliveryRate(view) ?? assumed
  /** From the start of so many frames until they are here. */
  const secondsFor = (frames: number, { rate, link }: SlotView) =>
    frames / (rate ?? assumed) + frames / (link ?? Number.POSITIVE_INFINITY)
  const totalRate = rateOf(slot) + others.reduce((sum, other) => sum + rateOf(other), 0)
  const pending = others.reduce((sum, other) => sum + other.pendingFrames, 0)
  const secondsLeft = (remainingFrames + pending) / totalRate
  const piece = Math.min(least, remainingFrames)
  const seconds = secondsFor(piece, slot)
  // Somebody must be much sooner done with it: slots that are alike would otherwise all leave it to each other.
  const soonest = Math.min(
    ...others.map((other) => other.pendingFrames / rateOf(other) + secondsFor(piece, other)),
  )
  if (seconds > MUCH_LATER * secondsLeft && seconds > MUCH_LATER * soonest) return 0

  const share = secondsLeft / secondsFor(1, slot)
  const wanted = share <= 2 * least ? share : share * SHARE_AT_ONCE
  return pieceOf(Math.min(most, Math.max(least, wanted)), remainingFrames, restTakenAlong)
}

/** At least one frame; all where less than `restTakenAlong` would be left. */
function pieceOf(frames: number, remainingFrames: number, restTakenAlong: number): number {
  const whole = Math.max(1, Math.round(frames))
  return remainingFrames - whole < restTakenAlong ? remainingFrames : Math.min(remainingFrames, whole)
}

/** A slot's rate after one more task: recent ones count most, as machines slow down and films change. */
export function updateRate(rate: number | undefined, frames: number, seconds: number): number {
  const latest = frames / Math.max(seconds, 1e-3)
  return rate === undefined ? latest : 0.4 * rate + 0.6 * latest
}
