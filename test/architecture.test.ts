/** The house's rules that a compiler does not know: which room may use which, and who may touch the outside world. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SRC = join(ROOT, 'src')

interface Import {
  /** Path from src/, with slashes, for a file of ours; the package's name otherwise. */
  readonly target: string
  readonly isOurs: boolean
  readonly typesOnly: boolean
}

interface SourceFile {
  /** Path from src/, with slashes. */
  readonly path: string
  readonly text: string
  /** The text without comments, so that prose breaks no rule. */
  readonly code: string
  readonly imports: readonly Import[]
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map(readSource)

/** What each part may import besides itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'polyfill.ts': [],
  media: [],
  protocols: ['polyfill.ts'],
  node: ['media', 'protocols', 'polyfill.ts'],
  ui: ['node'],
  'cli.ts': ['node', 'ui', 'polyfill.ts'],
  'library.ts': ['node', 'ui'],
  'index.ts': ['library.ts', 'node'],
}

describe('imports', () => {
  test('every file belongs to a part whose directions are known', () => {
    expect([...new Set(files.map(({ path }) => partOf(path)))].sort()).toEqual(Object.keys(ALLOWED).sort())
  })

  test('are found at all: the rules below look at something', () => {
    const inner = files.flatMap(({ imports }) => imports).filter(({ isOurs }) => isOurs)
    expect(inner.length).toBeGreaterThan(100)
    expect(inner.filter(({ target }) => !files.some(({ path }) => path === target))).toEqual([])
  })

  test('go in the allowed directions only', () => {
    const wrong = crossings().filter(
      ({ from, imported }) => !ALLOWED[partOf(from)]?.includes(partOf(imported.target)),
    )
    expect(wrong.map(({ from, imported }) => `${from} → ${imported.target}`)).toEqual([])
  })

  test('of other parts by the screens are types alone', () => {
    const wrong = crossings().filter(({ from, imported }) => partOf(from) === 'ui' && !imported.typesOnly)
    expect(wrong.map(({ from, imported }) => `${from} → ${imported.target}`)).toEqual([])
  })

  test('of media by other parts go through its face', () => {
    const wrong = crossings().filter(
      ({ imported }) => partOf(imported.target) === 'media' && imported.target !== 'media/index.ts',
    )
    expect(wrong.map(({ from, imported }) => `${from} → ${imported.target}`)).toEqual([])
  })

  test('of one protocol by another do not happen', () => {
    const folderOf = (path: string) => (path.split('/').length > 2 ? path.split('/')[1] : undefined)
    const wrong = files.flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => partOf(path) === 'protocols' && partOf(target) === 'protocols')
        .filter(({ target }) => folderOf(path) !== undefined && folderOf(target) !== undefined)
        .filter(({ target }) => folderOf(path) !== folderOf(target))
        .map(({ target }) => `${path} → ${target}`),
    )
    expect(wrong).toEqual([])
  })

  test('of libp2p stay out of media and the screens', () => {
    const wrong = files
      .filter(({ path }) => ['media', 'ui'].includes(partOf(path)))
      .filter(({ imports }) => imports.some(({ target }) => /libp2p|multiformats/.test(target)))
    expect(wrong.map(({ path }) => path)).toEqual([])
  })
})

describe('the outside world', () => {
  test('has processes started in two files: the tools, and the network that they are confined to', () => {
    const starters = files.filter(({ imports }) =>
      imports.some(({ target }) => /^(execa|(node:)?(child_process|cluster|worker_threads))$/.test(target)),
    )
    expect(starters.map(({ path }) => path).sort()).toEqual([
      'media/ffmpeg/run.ts',
      'node/sandbox/network.ts',
    ])
  })

  test.each([
    [
      'the clock',
      /\bDate\.now\b|\bnew Date\b|\bperformance\.(now|timeOrigin)\b|\bprocess\.(hrtime|uptime)\b/,
    ],
    ['the environment', /\bprocess\.env\b/],
    ['chance', /\bMath\.random\b|\brandom(Bytes|UUID|Int|Fill)\b|\bgetRandomValues\b/],
  ])('%s is read in node/ and cli.ts only', (_, reading) => {
    const readers = files.filter(({ code }) => reading.test(code))
    expect(readers.length).toBeGreaterThan(0)
    expect(
      readers.map(({ path }) => path).filter((path) => !['node', 'cli.ts'].includes(partOf(path))),
    ).toEqual([])
  })

  test('is printed to by the command line and the screens only', () => {
    const printing = /\bconsole\.|\bprocess\.(stdout|stderr)\b/
    const printers = files.filter(({ code }) => printing.test(code)).map(({ path }) => path)
    expect(printers.filter((path) => !['ui', 'cli.ts'].includes(partOf(path)))).toEqual([])
  })

  test('ends the process in cli.ts only', () => {
    expect(files.filter(({ code }) => /\bprocess\.exit\(/.test(code)).map(({ path }) => path)).toEqual([
      'cli.ts',
    ])
  })
})

describe('text', () => {
  test('says at the top of each file what it is for', () => {
    const silent = files.filter(({ text }) => !/^(#!.*\n)?\/(\*\*|\/)/.test(text)).map(({ path }) => path)
    expect(silent.filter((path) => path !== 'index.ts')).toEqual([])
  })

  test('names no place on the machine where it was written, and no host but loopback', () => {
    const hosts = /\b(?:https?|wss?):\/\/(?!127\.0\.0\.1|localhost)[\w.-]+/
    const home = ROOT.replace(/\/$/, '')
    const wrong = files.filter(
      ({ text }) => text.includes(home) || /["'`](\/home\/|\/root\b|\/Users\/)/.test(text),
    )
    expect(wrong.map(({ path }) => path)).toEqual([])
    expect(files.filter(({ code }) => hosts.test(code)).map(({ path }) => path)).toEqual([])
  })

  test('asserts nothing away: no non-null assertions, no any, no ignored errors of the compiler', () => {
    const lax = /\bas any\b|: any\b|@ts-(ignore|nocheck|expect-error)/
    expect(files.filter(({ text }) => lax.test(text)).map(({ path }) => path)).toEqual([])
  })
})

function crossings(): { from: string; imported: Import }[] {
  return files.flatMap(({ path, imports }) =>
    imports
      .filter(({ isOurs, target }) => isOurs && partOf(target) !== partOf(path))
      .map((imported) => ({ from: path, imported })),
  )
}

function partOf(path: string): string {
  return path.split('/')[0] ?? path
}

function readSource(file: string): SourceFile {
  const path = file.split(sep).join('/')
  const text = readFileSync(join(SRC, file), 'utf8')
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
  return { path, text, code, imports: readImports(path, code) }
}

function readImports(path: string, code: string): Import[] {
  const statements = [
    ...code.matchAll(/^(?:import|export)\s+(type\s+)?([^'";]*?)\s*from\s+'([^']+)'/gm),
    ...code.matchAll(/^import\s+()()'([^']+)'/gm),
    ...code.matchAll(/\b(?:import|require|resolve)\(\s*()()'([^']+)'\s*\)/g),
  ]
  return statements.map(([, type, names = '', specifier = '']) => {
    const isOurs = specifier.startsWith('.')
    const target = isOurs
      ? relative(SRC, resolve(dirname(join(SRC, path)), specifier))
          .split(sep)
          .join('/')
      : specifier
    const inner = /^\{([\s\S]*)\}$/.exec(names.trim())?.[1]?.split(',') ?? []
    const named = inner.map((name) => name.trim()).filter((name) => name !== '')
    const typesOnly =
      type !== undefined && type !== ''
        ? true
        : named.length > 0 && named.every((name) => name.startsWith('type '))
    return { target, isOurs, typesOnly }
  })
}
