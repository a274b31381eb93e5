/** Many files at once: which they are, where each one's output goes, and one after the other through a node. */
import { mkdir, readdir, stat } from 'node:fs/promises'
import { basename, dirname, extname, isAbsolute, join, relative, resolve } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import { isOutputName } from '../media/index.ts'
import { JobError } from './coordinator/failure.ts'
import { failedEvent } from './exit-code.ts'

export interface BatchFile {
  readonly inputPath: string
  readonly outputPath: string
}

export interface BatchOptions {
  /** A directory for all of them, with their own tree in it; undefined: beside each input. */
  readonly outputDirectory: string | undefined
  /** Of the outputs, with the dot; undefined: as of the input, where that is a container that is written. */
  readonly extension: string | undefined
}

/** What is taken for a film in a directory; who wants another names it. */
const FILMS =
  /\.(mp4|m4v|mov|mkv|webm|ts|mts|m2ts|avi|mpg|mpeg|vob|wmv|asf|flv|ogv|mxf|3gp|dv|rm|rmvb|wtv|nut)$/i
/** What this program has made of another. */
const OWN_OUTPUT = /\.ffswarm\.[^.]+$/

/** Whether these are more than one file that is simply there. */
export async function isBatch(inputs: readonly string[]): Promise<boolean> {
  if (inputs.length !== 1) return true
  const [input = ''] = inputs
  const stats = await stat(input).catch(() => undefined)
  return stats === undefined ? isDynamicPattern(input) : stats.isDirectory()
}

/**
 * All films that are meant, in the order in which they are named, and in directories by their names.
 *
 * @param inputs files, directories, patterns
 * @throws JobError OUTPUT_DIRECTORY_WANTED; INPUTS_NONE where a directory or a pattern has none, OUTPUTS_COLLIDE where two would become one
 */
export async function planBatch(inputs: readonly string[], options: BatchOptions): Promise<BatchFile[]> {
  const { outputDirectory } = options
  if (outputDirectory !== undefined && !(await mayBeDirectory(outputDirectory))) {
    throw new JobError({ code: 'OUTPUT_DIRECTORY_WANTED', path: outputDirectory })
  }
  const found = (await Promise.all(inputs.map(filmsOf))).flat()
  const files: BatchFile[] = []
  const seen = new Set<string>()
  const outputs = new Map<string, string>()
  for (const { path, root } of found) {
    if (seen.has(resolve(path))) continue
    seen.add(resolve(path))
    const outputPath = outputOf(path, root, options)
    const other = outputs.get(resolve(outputPath))
    if (other !== undefined)
      throw new JobError({ code: 'OUTPUTS_COLLIDE', path: outputPath, inputs: [other, path] })
    outputs.set(resolve(outputPath), path)
    files.push({ inputPath: path, outputPath })
  }
  return files
}

export interface FileEvent {
  readonly event: 'file'
  /** From 1. */
  readonly place: number
  readonly of: number
  readonly input: string
  readonly output: string
  /** `skipped`: its output is there. */
  readonly state: 'begun' | 'skipped' | 'done' | 'failed'
  readonly code?: string
  readonly message?: string
}

export interface BatchRun {
  readonly overwrite: boolean
  readonly signal: AbortSignal
  /** Encodes one of them, and says what there is to be said in its turn. */
  encode(file: BatchFile, turn: Turn): Promise<unknown>
  tell(event: FileEvent): void
}

/** One file's place among the others: while its predecessor is joined it is encoded already, and heard of when that is done. */
export interface Turn {
  /** Nodes have nothing more to do for it: the next one may have them. */
  onEncoded(): void
  /** @param isPassing it need not be said later */
  say(what: () => void, isPassing?: boolean): void
}

/**
 * One after the other, the next one's segments while one is joined and checked. One that fails does not keep the others from being encoded.
 *
 * @returns what the first that failed failed with; undefined: none has
 * @throws the signal's reason
 */
export async function encodeBatch(files: readonly BatchFile[], run: BatchRun): Promise<unknown> {
  const errors: unknown[] = []
  let previous = ENDED
  let current = ENDED
  for (const [at, file] of files.entries()) {
    // No more than two at once.
    await Promise.all([previous.ended, current.encoded])
    if (run.signal.aborted) break
    const { promise: encoded, resolve: onEncoded } = Promise.withResolvers<void>()
    const turn = takeTurn(current.ended, onEncoded)
    const ended = encodeOne(file, { place: at + 1, of: files.length }, run, turn, errors).finally(onEncoded)
    previous = current
    current = { encoded, ended: ended.then(() => turn.over) }
  }
  await Promise.all([previous.ended, current.ended])
  run.signal.throwIfAborted()
  return errors[0]
}

interface Place {
  readonly encoded: Promise<unknown>
  /** It is done with, and all of it is said. */
  readonly ended: Promise<unknown>
}

const ENDED: Place = { encoded: Promise.resolve(), ended: Promise.resolve() }

/** Holds back what is to be said until the one before has said all. */
function takeTurn(before: Promise<unknown>, onEncoded: () => void): Turn & { over: Promise<unknown> } {
  const held: (() => void)[] = []
  let isOn = false
  const over = before.then(() => {
    isOn = true
    for (const say of held.splice(0)) say()
  })
  return {
    ...{ onEncoded, over },
    say(what, isPassing = false) {
      if (isOn) what()
      else if (!isPassing) held.push(what)
    },
  }
}

async function encodeOne(
  file: BatchFile,
  which: Pick<FileEvent, 'place' | 'of'>,
  run: BatchRun,
  turn: Turn,
  errors: unknown[],
): Promise<void> {
  const told = { event: 'file', ...which, input: file.inputPath, output: file.outputPath } as const
  const isThere = !run.overwrite && (await stat(file.outputPath).catch(() => undefined)) !== undefined
  turn.say(() => run.tell({ ...told, state: isThere ? 'skipped' : 'begun' }))
  if (isThere) return
  try {
    await mkdir(dirname(file.outputPath), { recursive: true })
    await run.encode(file, turn)
    turn.say(() => run.tell({ ...told, state: 'done' }))
  } catch (error) {
    if (run.signal.aborted) return
    const { code, message } = failedEvent(error)
    turn.say(() => run.tell({ ...told, state: 'failed', code, message }))
    errors.push(error)
  }
}

/** One that is there, or that is to be made and is not named like a file. */
async function mayBeDirectory(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined)
  return stats === undefined ? !isOutputName(path) : stats.isDirectory()
}

interface Film {
  readonly path: string
  /** Whose tree is kept. */
  readonly root: string
}

async function filmsOf(input: string): Promise<Film[]> {
  const stats = await stat(input).catch(() => undefined)
  if (stats?.isDirectory()) {
    const films = (await readdir(input, { recursive: true })).filter(isFilm).sort(byName)
    if (films.length === 0) throw new JobError({ code: 'INPUTS_NONE', path: input })
    return films.map((name) => ({ path: join(input, name), root: input }))
  }
  // A name that is there is that file, whatever is in it.
  if (stats !== undefined || !isDynamicPattern(input)) return [{ path: input, root: dirname(input) }]
  const names = (
    await glob(input.replaceAll('\\', '/'), {
      onlyFiles: true,
      expandDirectories: false,
      absolute: isAbsolute(input),
    })
  ).sort(byName)
  const films = names.filter((name) => !OWN_OUTPUT.test(name))
  if (films.length === 0) throw new JobError({ code: 'INPUTS_NONE', path: input })
  return films.map((path) => ({ path, root: fixedPart(input) }))
}

function isFilm(name: string): boolean {
  const isHidden = name.split(/[/\\]/).some((part) => part.startsWith('.'))
  return FILMS.test(name) && !OWN_OUTPUT.test(name) && !isHidden
}

// "films" of "films/*/part-?.mkv".
function fixedPart(pattern: string): string {
  const parts = pattern.split('/')
  const dynamic = parts.findIndex((part) => isDynamicPattern(part))
  return parts.slice(0, dynamic).join('/') || '.'
}

/** Where one film's output goes: as named, into a directory that is there, or beside it. */
export async function outputFor(
  inputPath: string,
  named: string | undefined,
  extension: string | undefined,
): Promise<string> {
  if (named === undefined) return outputBeside(inputPath, extension)
  const stats = await stat(named).catch(() => undefined)
  if (stats?.isDirectory() !== true || isOutputName(named)) return named
  return outputOf(inputPath, dirname(inputPath), { outputDirectory: named, extension })
}

/**
 * `film.avi` becomes `film.ffswarm.mkv`: containers that are not written give way to Matroska.
 *
 * @param extension of the output, with the dot; undefined: the input's own, where that is a container that is written
 */
export function outputBeside(inputPath: string, extension: string | undefined): string {
  return `${inputPath.slice(0, inputPath.length - extname(inputPath).length)}.ffswarm${endingOf(inputPath, extension)}`
}

function endingOf(inputPath: string, extension: string | undefined): string {
  return extension ?? (isOutputName(inputPath) ? extname(inputPath) : '.mkv')
}

function outputOf(path: string, root: string, { outputDirectory, extension }: BatchOptions): string {
  if (outputDirectory === undefined) return outputBeside(path, extension)
  const name = `${basename(path, extname(path))}${endingOf(path, extension)}`
  const inTree = join(outputDirectory, relative(root, dirname(path)), name)
  return resolve(inTree) === resolve(path) ? outputBeside(path, extension) : inTree
}

function byName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}
