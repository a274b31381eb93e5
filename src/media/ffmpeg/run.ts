/**
 * The only place that starts a tool: ffmpeg and ffprobe, without a shell, killed with their parent, their output
 * read as it comes and never gathered whole.
 */
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { constants } from 'node:os'
import { execa } from 'execa'
import { MediaError } from '../failure.ts'
import type { Access, Confine } from './confinement.ts'
import { childrenOf, killChild } from './kill.ts'
import { yieldSession } from './yield-session.ts'

/** One of the two programs: where it is, and the words put before it (priority, death with the parent). */
export interface Tool {
  readonly name: 'ffmpeg' | 'ffprobe'
  readonly path: string
  /** Command words before the path for work a person waits for. */
  readonly launcher: readonly string[]
  /** The same for encoding, at the lowest priority for CPU and disk, so that the machine and the network stay live. */
  readonly backgroundLauncher: readonly string[]
  /** It is started in a session of its own: Ctrl-C in a terminal is for this process, which lets its tools finish. */
  readonly ownSession?: boolean
  /** Environment variables that this build needs. */
  readonly env?: Readonly<Record<string, string>>
  /** How it is run on data of others; undefined: as ever. */
  readonly confine?: Confine
}

export interface RunOptions {
  signal?: AbortSignal | undefined
  background?: boolean
  /** All that it is to touch: what it reads may be made by others. */
  access: Access
  /** Each line of standard output without its end; lines over 64 KiB are cut. A promise holds the reading back. */
  onLine?(line: string): void | Promise<void>
  /** Standard output as it comes, in place of its lines. A promise holds the reading back. */
  onBytes?(bytes: Buffer): void | Promise<void>
  /** What it reads on its standard input. */
  input?: AsyncIterable<Uint8Array>
  /** Each line of standard error without its end. */
  onErrorLine?(line: string): void
  /** Without any CPU time for so long it hangs, and is killed (Linux). */
  stallMs?: number
  /** Whether it waits for something that is known to be late: that is no hanging. */
  isWaiting?(): boolean
  /** Keep count of the CPU time it takes, where the system tells (Linux). */
  measureCpu?: boolean
  /** The same, and its memory, as often as it writes to standard output. */
  onUsage?(usage: Usage): void
}

/** Of a process since its start. */
export interface Usage {
  /** User and system time, all threads. */
  readonly cpuSeconds: number
  /** The most that it had in memory. */
  readonly rssBytes: number
}

export interface RunResult {
  /** The last 16 KiB of standard error. */
  stderrTail: string
  /** User and system time, all threads; undefined where it was not measured. */
  cpuSeconds: number | undefined
}

// Enough for ffmpeg's last words with a full dump of one stream; a broken source can print gigabytes.
const STDERR_TAIL_CHARS = 16 * 1024
const LINE_CHARS_MAX = 64 * 1024
/** Encoders can lock themselves up (SVT-AV1 1.4, again and again, on the first frame of one film); a disk wakes up sooner. */
const STALL_MS = 30_000

/** Encoders that have their names by the card's interface. */
const GPU_ENCODER = /^[a-z0-9]+_(nvenc|qsv|amf|vaapi|vulkan|v4l2m2m|rkmpp)$/

/** Its output, which whatever it has left behind may hold open, ends so long after it. */
const OUTPUT_MS = 60_000

/**
 * Runs a tool to its end.
 *
 * @throws MediaError TOOL_EXIT with the last line of standard error when the exit code is not 0 or the output's end was
 * lost; TOOL_STALLED when it hung; the signal's reason when it was aborted.
 */
export async function run(tool: Tool, args: readonly string[], options: RunOptions): Promise<RunResult> {
  try {
    return await runOnce(tool, args, options)
  } catch (error) {
    if (!isBornDead(tool, error)) throw error
    return await runOnce(tool, args, options)
  }
}

/**
 * Between its fork and its session a child belongs to the terminal's group: Ctrl-C ends it before it has begun, though it is for this
 * process to say what becomes of it.
 */
function isBornDead({ ownSession }: Tool, error: unknown): boolean {
  if (ownSession !== true || !(error instanceof MediaError)) return false
  const { failure } = error
  return failure.code === 'TOOL_EXIT' && failure.signal === 'SIGINT' && failure.detail === ''
}

async function runOnce(tool: Tool, args: readonly string[], options: RunOptions): Promise<RunResult> {
  options.signal?.throwIfAborted()
  const usesGpu = args.some((word) => GPU_ENCODER.test(word))
  const confinement = tool.confine?.({ ...options.access, usesGpu })
  // What confines it can let it write to a file that is there.
  if (confinement !== undefined) {
    await makeFiles(tool, options.access.writes ?? [])
    options.signal?.throwIfAborted()
  }
  const [file = tool.path, ...prefix] = [
    ...(confinement?.outer ?? []),
    ...(options.background ? tool.backgroundLauncher : tool.launcher),
    ...(confinement?.inner ?? []),
    tool.path,
  ]
  const subprocess = execa(file, [...prefix, ...args], {
    stdio: [
      options.input ?? 'ignore',
      options.onLine === undefined && options.onBytes === undefined ? 'ignore' : 'pipe',
      'pipe',
      // The first of them is 3 there. execa takes any number, its types know the first few alone.
      ...(confinement === undefined ? [] : (options.access.open ?? []).map(({ fd }) => fd as 3)),
    ],
    buffer: false,
    reject: false,
    cleanup: true,
    detached: tool.ownSession === true,
    env: { ...confinement?.env, AV_LOG_FORCE_NOCOLOR: '1', ...tool.env },
    extendEnv: confinement?.env === undefined,
  })
  keepCount(tool, subprocess)
  if (options.background && tool.ownSession && subprocess.pid !== undefined) void yieldSession(subprocess.pid)
  // A half-written segment is worth nothing: no time is given to finish it.
  const kill = () => killChild(subprocess)
  options.signal?.addEventListener('abort', kill, { once: true })
  let closing: NodeJS.Timeout | undefined
  subprocess.once('exit', () => {
    closing = setTimeout(() => {
      subprocess.stdout?.destroy()
      subprocess.stderr?.destroy()
    }, OUTPUT_MS).unref()
  })

  let stderrTail = ''
  let errorRest = ''
  subprocess.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderrTail = (stderrTail + text).slice(-STDERR_TAIL_CHARS)
    if (options.onErrorLine === undefined) return
    const lines = (errorRest + text).split(/[\r\n]+/)
    errorRest = (lines.pop() ?? '').slice(0, LINE_CHARS_MAX)
    for (const line of lines) options.onErrorLine(line)
  })

  const stall = watchForStall(subprocess.pid, kill, options.stallMs ?? STALL_MS, options.isWaiting)
  let readingError: unknown
  let cpuSeconds: number | undefined
  const sampleCpu = () => {
    if (options.measureCpu !== true || subprocess.pid === undefined) return
    const pid = innermost(subprocess.pid)
    // When the tool has ended, what is innermost then is what confined it.
    const used = readCpuSeconds(pid)
    if (used !== undefined) cpuSeconds = Math.max(cpuSeconds ?? 0, used)
    if (options.onUsage === undefined || cpuSeconds === undefined) return
    options.onUsage({ cpuSeconds, rssBytes: readPeakBytes(pid) })
  }
  const { onLine, onBytes } = options
  if (subprocess.stdout !== null && subprocess.stdout !== undefined) {
    try {
      if (onBytes !== undefined) for await (const bytes of subprocess.stdout) await onBytes(bytes as Buffer)
      else if (onLine !== undefined) await readLines(subprocess.stdout.setEncoding('utf8'), onLine, sampleCpu)
      // Standard output has ended and the process is about to: nearly all of its time is in.
      sampleCpu()
    } catch (error) {
      readingError = error
      kill()
    }
  }
  const result = await subprocess
  clearTimeout(closing)
  options.signal?.removeEventListener('abort', kill)
  const hasStalled = stall.end()
  if (errorRest !== '') options.onErrorLine?.(errorRest)
  options.signal?.throwIfAborted()
  if (hasStalled) throw new MediaError({ code: 'TOOL_STALLED', tool: tool.name })
  if (readingError !== undefined && result.exitCode === undefined) throw readingError
  if (result.failed || LOST_ENDING.test(stderrTail)) {
    throw new MediaError({
      code: 'TOOL_EXIT',
      tool: tool.name,
      exitCode: result.exitCode,
      signal: result.signal ?? signalOf(result.exitCode),
      detail: lastWords(stderrTail) || (result.originalMessage ?? ''),
    })
  }
  if (readingError !== undefined) throw readingError
  return { stderrTail, cpuSeconds }
}

async function makeFiles(tool: Tool, paths: readonly string[]): Promise<void> {
  try {
    for (const path of paths) await (await open(path, 'a')).close()
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    throw new MediaError(
      { code: 'TOOL_EXIT', tool: tool.name, exitCode: undefined, signal: undefined, detail },
      { cause: error },
    )
  }
}

/** Kills a process that uses no CPU time for so long. The time is counted in looks, so that a machine's sleep is none. */
function watchForStall(
  pid: number | undefined,
  kill: () => void,
  stallMs: number,
  isWaiting: () => boolean = () => false,
): { end(): boolean } {
  let cpuSeconds: number | undefined
  let idleLooks = 0
  let hasStalled = false
  const timer = setInterval(() => {
    const now = pid === undefined ? undefined : readCpuSeconds(innermost(pid))
    idleLooks = now === undefined || now !== cpuSeconds || isWaiting() ? 0 : idleLooks + 1
    cpuSeconds = now
    if (idleLooks < STALL_LOOKS) return
    hasStalled = true
    kill()
  }, stallMs / STALL_LOOKS)
  timer.unref()
  return {
    end() {
      clearInterval(timer)
      return hasStalled
    },
  }
}

const STALL_LOOKS = 6

/** The processes of each tool that are still there. */
const running = new WeakMap<Tool, Set<Promise<unknown>>>()

function keepCount(tool: Tool, subprocess: Promise<unknown>): void {
  const processes = running.get(tool) ?? new Set()
  running.set(tool, processes)
  processes.add(subprocess)
  void subprocess.finally(() => processes.delete(subprocess))
}

/** Waits until the processes of these tools have ended: once they are aborted, nothing writes to their files any more. */
export async function allEnded(tools: readonly Tool[]): Promise<void> {
  await Promise.all(tools.flatMap((tool) => [...(running.get(tool) ?? [])]))
}

/** FFmpeg 5.1 ends with exit code 0 when the last bytes of its output could not be written. */
const LOST_ENDING = /^Error (writing trailer of|closing file) /m

/** Whether a command ends with exit code 0: for asking what a helper program can do. */
export async function succeeds(file: string, args: readonly string[]): Promise<boolean> {
  const result = await execa(file, args, { stdio: 'ignore', reject: false, timeout: 5_000 })
  return !result.failed
}

/** The tool itself has no children; what confines it waits for it as its parent. */
function innermost(pid: number): number {
  for (let innermost = pid, depth = 0; ; depth++) {
    const [child] = depth < DEPTH_MAX ? childrenOf(innermost) : []
    if (child === undefined) return innermost
    innermost = child
  }
}

const DEPTH_MAX = 4

/** What confines a tool tells of the signal that ended it as a shell does. */
function signalOf(exitCode: number | undefined): string | undefined {
  const number = (exitCode ?? 0) - 128
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0]
}

/** utime and stime of proc(5), in the 1/100 s that Linux shows to programs on every architecture in use. */
function readCpuSeconds(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return undefined
  }
}

/** VmHWM of proc(5); 0 where the system does not tell. */
function readPeakBytes(pid: number): number {
  try {
    const [, kilobytes = '0'] =
      /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
    return Number(kilobytes) * 1024
  } catch {
    return 0
  }
}

async function readLines(
  chunks: AsyncIterable<string>,
  onLine: NonNullable<RunOptions['onLine']>,
  onChunk: () => void,
): Promise<void> {
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = (lines.pop() ?? '').slice(0, LINE_CHARS_MAX)
    onChunk()
    for (const line of lines) {
      const waiting = onLine(line)
      if (waiting !== undefined) await waiting
    }
  }
  if (rest !== '') await onLine(rest)
}

/**
 * The line of FFmpeg's standard error that says what is wrong. Its very last lines are often only the echo of a
 * failure ("Conversion failed!", "Error opening output files"), so those are passed over where another one stands.
 */
function lastWords(stderr: string): string {
  const lines = stderr
    .split(/[\r\n]+/)
    .map((line) => line.replace(/^\[[^\]]* @ 0x[0-9a-f]+\] /, '').trim())
    .filter((line) => line !== '')
  const telling = lines.filter((line) => !ECHOES.some((echo) => echo.test(line)))
  return (telling.at(-1) ?? lines.at(-1) ?? '').slice(0, 500)
}

const ECHOES = [
  /^Conversion failed!$/,
  /^Error (opening|splitting|initializing|while opening|while processing|sending frames|submitting)/,
  /^Nothing was written into output file/,
  /^Could not write header/,
  // x265's farewell
  /^encoded \d+ frames/,
  /^Task finished with error code/,
  /^Terminating thread with return code/,
  /^Could not open encoder before EOF/,
  /^Error setting output stream dispositions/,
  /^Last message repeated/,
  /maybe incorrect parameters such as bit_rate/,
  /^Failed to set value .* for option/,
  /^Error applying option/,
  /^Failed to inject frame into filter network/,
  // Answers that end before the file does are asked to go on.
  /^Stream ends prematurely at/,
]
