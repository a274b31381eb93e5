/**
 * What can go wrong with media, as data. The sentence a person reads is made from the data here and nowhere else.
 */

export type MediaFailure =
  | { code: 'TOOL_MISSING'; tool: 'ffmpeg' | 'ffprobe'; tried: readonly string[] }
  | { code: 'TOOL_UNUSABLE'; tool: string; path: string; detail: string }
  | {
      code: 'TOOL_EXIT'
      tool: string
      exitCode: number | undefined
      /** That ended it, such as `SIGSEGV`. */
      signal?: string | undefined
      detail: string
    }
  | { code: 'TOOL_STALLED'; tool: string }
  | { code: 'INPUT_MISSING'; path: string; detail: string }
  | { code: 'INPUT_NOT_A_FILE'; path: string; detail: string }
  | { code: 'INPUT_EMPTY'; path: string }
  | { code: 'INPUT_UNREADABLE'; path: string; detail: string }
  | { code: 'INPUT_WITHOUT_VIDEO'; path: string }
  | { code: 'INPUT_CLOCK_JUMPS'; path: string; atSeconds: number }
  | { code: 'INPUT_SIZE_CHANGES'; path: string; atSeconds: number }
  /** What changes, and the remedy, as the rest of a sentence. */
  | { code: 'INPUT_LOOK_CHANGES'; path: string; detail: string }
  | { code: 'INPUT_TIMES_REPEAT'; path: string; atSeconds: number }
  | { code: 'PARAMS_INVALID'; option: string; detail: string }
  | { code: 'PARAMS_REJECTED'; detail: string }
  /** What the filters do to the frames' times, as the rest of a sentence. */
  | { code: 'FILM_TIMES'; detail: string }
  | { code: 'ENCODER_MISSING'; encoder: string; path: string }
  | { code: 'OUTPUT_FORMAT'; path: string; detail: string }
  | { code: 'OUTPUT_REJECTED'; container: string; encoder: string; detail: string }
  | { code: 'SEGMENT_FRAMES'; expected: number; actual: number }
  | { code: 'SEGMENT_PICTURE'; expected: string; actual: string }
  | { code: 'SEGMENT_LOOK'; differences: readonly string[] }
  | { code: 'SEGMENT_STREAMS'; streams: number }
  /** How they are not, as the rest of a sentence. */
  | { code: 'SEGMENT_PICTURES'; detail: string }
  /** Why, as the rest of a sentence that begins with the node's name. */
  | { code: 'PARAMETER_SETS'; detail: string }

export class MediaError extends Error {
  readonly failure: MediaFailure

  constructor(failure: MediaFailure, options?: ErrorOptions) {
    super(describe(failure), options)
    this.name = 'MediaError'
    this.failure = failure
  }

  get code(): MediaFailure['code'] {
    return this.failure.code
  }

  /** What the tool that failed says itself, for a sentence that says the rest; otherwise the message. */
  get words(): string {
    const { failure } = this
    return failure.code === 'TOOL_EXIT' && failure.detail !== '' ? failure.detail : this.message
  }
}

/** The failure that some work ends with; undefined where it succeeds. @throws whatever else it ends with */
export async function mediaErrorOf(work: Promise<unknown>): Promise<MediaError | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (error instanceof MediaError) return error
    throw error
  }
}

const CRASHES: ReadonlySet<string> = new Set(['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGABRT'])

function describe(failure: MediaFailure): string {
  switch (failure.code) {
    case 'TOOL_MISSING':
      return `${failure.tool} was not found (looked at ${failure.tried.join(', ')}): install FFmpeg 5.1 or newer, or set FFSWARM_${failure.tool.toUpperCase()} to its path`
    case 'TOOL_UNUSABLE':
      return `${failure.path} does not run as ${failure.tool}: ${failure.detail}`
    case 'TOOL_EXIT':
      if (failure.signal !== undefined && CRASHES.has(failure.signal)) {
        return `${failure.tool} crashed (${failure.signal}): another build of it may do, or other params`
      }
      return failure.detail === ''
        ? `${failure.tool} ended with exit code ${failure.exitCode ?? 'none (killed)'}`
        : `${failure.tool}: ${failure.detail}`
    case 'TOOL_STALLED':
      return `${failure.tool} hung and was ended: it had done nothing for half a minute (try again, or another build of it)`
    case 'INPUT_MISSING':
      return `${failure.path}: no such file${failure.detail === '' ? '' : `; ${failure.detail}`}`
    case 'INPUT_NOT_A_FILE':
      return `${failure.path} ${failure.detail}`
    case 'INPUT_EMPTY':
      return `${failure.path} is empty (0 bytes)`
    case 'INPUT_UNREADABLE':
      return `${failure.path} cannot be read as a video: ${failure.detail}`
    case 'INPUT_WITHOUT_VIDEO':
      return `${failure.path} has no video stream, so there is nothing to share out: use ffmpeg itself`
    case 'INPUT_CLOCK_JUMPS':
      return `${failure.path}: its clock jumps at ${failure.atSeconds.toFixed(1)} s, which is not handled yet: remux it first with 'ffmpeg -i INPUT -map 0 -c copy OUTPUT.mkv'`
    case 'INPUT_SIZE_CHANGES':
      return `${failure.path}: its pictures have another size or pixel format from ${failure.atSeconds.toFixed(1)} s on, where a frame rate cannot go on exactly: leave -r and -fps_mode out, or encode it to one size first`
    case 'INPUT_LOOK_CHANGES':
      return `${failure.path}: on the way ${failure.detail}`
    case 'INPUT_TIMES_REPEAT':
      return `${failure.path}: two of its frames have one time (${failure.atSeconds.toFixed(1)} s), so it cannot be cut by time: use ffmpeg itself`
    case 'PARAMS_INVALID':
      return `--params: ${failure.option}: ${failure.detail}`
    case 'PARAMS_REJECTED':
      return `ffmpeg does not take these --params: ${failure.detail}${rateHint(failure.detail)}`
    case 'FILM_TIMES':
      return `--params: the filters ${failure.detail}: look at them with 'ffmpeg -i INPUT -vf … -f null -'`
    case 'ENCODER_MISSING':
      return `--params: ${failure.path} has no encoder ${failure.encoder}: see 'ffmpeg -encoders', or set FFSWARM_FFMPEG to a build that has it`
    case 'OUTPUT_FORMAT':
      return `${failure.path}: ${failure.detail}`
    case 'OUTPUT_REJECTED':
      // FFmpeg says so itself of what its muxer holds as an experiment.
      if (/-strict -2/.test(failure.detail)) {
        return `ffmpeg does not take these --params without -strict -2 among them: ${failure.detail}`
      }
      if (/^Tag .* incompatible/.test(failure.detail)) {
        return `${failure.container} does not take this -tag:v (${failure.detail}): leave it out`
      }
      return `${failure.container} cannot hold what encoder ${failure.encoder} makes (${failure.detail}): choose another encoder, or name another output with -o, such as one in ${failure.container === 'Matroska' ? '.mov' : '.mkv'}`
    case 'SEGMENT_FRAMES':
      return `the segment has ${failure.actual} frames at other times than the ${failure.expected} that the source has there`
    case 'SEGMENT_PICTURE':
      return `the segment's pictures are ${failure.actual} and not ${failure.expected} as at the film's start`
    case 'SEGMENT_LOOK':
      return `the segment's pictures are not shown as the film's first: ${failure.differences.join(', ')}`
    case 'SEGMENT_STREAMS':
      return `the segment has ${failure.streams} streams instead of its video alone`
    case 'SEGMENT_PICTURES':
      return `the segment's pictures are not the source's: they ${failure.detail}`
    case 'PARAMETER_SETS':
      return failure.detail
  }
}

/** MPEG-1, 2 and 4 know certain frame rates alone, and times as fine as a film's that keeps to none are beyond them. */
function rateHint(words: string): string {
  return /does not support \S+ fps|timebase \S+ not supported/i.test(words)
    ? '; its frames keep to no frame rate that it knows: give them one, such as -r 25'
    : ''
}
