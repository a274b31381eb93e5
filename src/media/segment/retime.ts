/** The filters that show each frame as often as a film's frame rate wants it: their text, made from plain counts. */
import { formatRational, type Rational } from '../rational.ts'

export interface Retiming {
  /** The output's time base; a frame that is shown n times stands for n ticks. */
  readonly timeBase: Rational
  /** The first frame's time in these ticks; undefined: frames are only left out, the others keep their own times. */
  readonly firstPts: bigint | undefined
  /** So many frames in turn, each shown so many times; 0 leaves them out. */
  readonly runs: readonly (readonly [frames: number, times: number])[]
}

// What one offer can say and ffmpeg's command line hold; 60 s at 24 to 30 frames per second are 720.
export const RUNS_MAX = 2_000

export function retimeFilters({ timeBase, firstPts, runs }: Retiming): string {
  if (firstPts === undefined) return `select='${tree(runs, ([, times]) => `${times}`)}'`
  const rate = formatRational({ num: timeBase.den, den: timeBase.num })
  const total = runs.reduce((sum, [frames, times]) => sum + frames * times, 0)
  return [
    `settb=${formatRational(timeBase)}`,
    // A frame that is left out has the time of the next one, which takes its place.
    `setpts='${tree(runs, ([, times], frame, tick) => `${firstPts + BigInt(tick)}+(N-${frame})*${times}`)}'`,
    `fps=${rate}`,
    // The last frame has no next one that would end it.
    `tpad=stop_mode=clone:stop=${runs.at(-1)?.[1] ?? 1}`,
    `trim=end_pts=${firstPts + BigInt(total)}`,
  ].join(',')
}

interface Place {
  readonly run: readonly [frames: number, times: number]
  readonly frame: number
  readonly tick: number
}

/** A balanced tree of `if(lt(N,…))`: it is looked up for each frame, and ffmpeg reads expressions by recursion. */
function tree(
  runs: Retiming['runs'],
  leaf: (run: readonly [number, number], frame: number, tick: number) => string,
): string {
  let [frame, tick] = [0, 0]
  const places = runs.map((run): Place => {
    const place = { run, frame, tick }
    frame += run[0]
    tick += run[0] * run[1]
    return place
  })
  return branch(places)

  function branch(part: readonly Place[]): string {
    const [only] = part
    if (only === undefined) return '0'
    if (part.length === 1) return leaf(only.run, only.frame, only.tick)
    const middle = Math.floor(part.length / 2)
    const [left, right] = [part.slice(0, middle), part.slice(middle)]
    return `if(lt(N\\,${right[0]?.frame ?? 0})\\,${branch(left)}\\,${branch(right)})`
  }
}
