/**
 * What an ffmpeg can do, asked of the program itself: its version, its video encoders, the options of one encoder.
 */
import { MediaError } from '../failure.ts'
import { run, type Tool } from './run.ts'

export interface FFmpegCapabilities {
  /** As printed, such as `5.1.9-0+deb12u1` or `n7.0-7-gd38bf5e08e-20240407`. */
  readonly version: string
  /** What it writes into an encoder tag before the encoder's name, such as `Lavc59.37.100`. */
  readonly encoderTag: string
  /** The major version of libavcodec: 59 in FFmpeg 5, 61 in FFmpeg 7. */
  readonly libavcodec: number
  /** Names of the video encoders. */
  readonly videoEncoders: readonly string[]
}

/** @throws MediaError TOOL_UNUSABLE when it does not run, or is older than 5.1 (no `-fps_mode`). */
export async function readCapabilities(
  ffmpeg: Tool,
  options: { signal?: AbortSignal } = {},
): Promise<FFmpegCapabilities> {
  const [versionLines, encoderLines] = await Promise.all([
    readAll(ffmpeg, ['-version'], options),
    readAll(ffmpeg, ['-hide_banner', '-encoders'], options),
  ])
  const version = /^ffmpeg version (\S+)/.exec(versionLines[0] ?? '')?.[1]
  const unusable = version === undefined ? 'it does not say its version' : tooOld(version)
  if (unusable !== undefined) {
    throw new MediaError({ code: 'TOOL_UNUSABLE', tool: 'ffmpeg', path: ffmpeg.path, detail: unusable })
  }
  const libavcodec = libavcodecOf(versionLines)
  majors.set(ffmpeg, majorOf(libavcodec))
  const videoEncoders = encoderLines.flatMap((line) => /^ V[A-Z.]{5} (\S+)/.exec(line)?.[1] ?? [])
  return {
    version: version ?? 'unknown',
    encoderTag: `Lavc${libavcodec}`,
    libavcodec: majorOf(libavcodec),
    videoEncoders: videoEncoders.filter((name) => name !== '='),
  }
}

/** The major version of libavcodec alone; a program is asked once. */
export async function readLibavcodec(ffmpeg: Tool, options: { signal?: AbortSignal } = {}): Promise<number> {
  const known = majors.get(ffmpeg)
  if (known !== undefined) return known
  const major = majorOf(libavcodecOf(await readAll(ffmpeg, ['-version'], options)))
  majors.set(ffmpeg, major)
  return major
}

/** The first line that it prints of itself. @throws MediaError TOOL_UNUSABLE */
export async function readToolVersion(tool: Tool, options: { signal?: AbortSignal } = {}): Promise<string> {
  const [line = ''] = await readAll(tool, ['-version'], options)
  return line
}

const majors = new WeakMap<Tool, number>()

/** `59.37.100`, from a line such as `libavcodec     59. 37.100 / 59. 37.100`. */
function libavcodecOf(versionLines: readonly string[]): string {
  const line = versionLines.find((line) => line.startsWith('libavcodec'))
  return (line ?? '').replace(/^libavcodec|\/.*$|\s/g, '')
}

function majorOf(version: string): number {
  return Number(/^\d+/.exec(version)?.[0] ?? 0)
}

function tooOld(version: string): string | undefined {
  const match = /^n?(\d+)\.(\d+)/.exec(version)
  // A build from git has no number; those that still circulate are newer than 5.1.
  if (match === null) return undefined
  const [major, minor] = [Number(match[1]), Number(match[2])]
  return major < 5 || (major === 5 && minor < 1) ? `version ${version} is older than 5.1` : undefined
}

/** An encoder as its ffmpeg describes it. */
export interface Encoder {
  /** Its own name: `libx264` where it was asked for as `h264`. */
  readonly name: string
  /** Names of its own options, without dash. */
  readonly options: ReadonlySet<string>
}

/** Asks with `-h encoder=…`; undefined where there is no such encoder. */
export async function readEncoder(
  ffmpeg: Tool,
  encoder: string,
  options: { signal?: AbortSignal } = {},
): Promise<Encoder | undefined> {
  const lines = await readAll(ffmpeg, ['-hide_banner', '-h', `encoder=${encoder}`], options)
  const name = lines.map((line) => /^Encoder (\S+)/.exec(line)?.[1]).find((found) => found !== undefined)
  if (name === undefined) return undefined
  return { name, options: new Set(lines.flatMap((line) => /^ {2}-(\S+) +<\w+> +E/.exec(line)?.[1] ?? [])) }
}

// `-encoders` prints some 250 lines and `-h encoder=` some 300: a program that prints more is not ffmpeg.
const LINES_MAX = 5_000

async function readAll(tool: Tool, args: string[], options: { signal?: AbortSignal }): Promise<string[]> {
  const lines: string[] = []
  try {
    await run(tool, args, {
      ...options,
      // It needs nothing but itself: where it cannot be confined, that shows here.
      access: { reads: [] },
      onLine(line) {
        if (lines.length < LINES_MAX) lines.push(line)
      },
    })
  } catch (error) {
    if (!(error instanceof MediaError)) throw error
    throw new MediaError(
      { code: 'TOOL_UNUSABLE', tool: tool.name, path: tool.path, detail: error.message },
      { cause: error },
    )
  }
  return lines
}
