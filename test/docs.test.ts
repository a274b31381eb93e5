/** What the docs promise to be complete is. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

/** The codes that the unions of failures are made of. */
function codesIn(path: string): string[] {
  const union = /export type \w+Failure =\n([\s\S]*?)\n\n/.exec(read(path))?.[1] ?? ''
  return [...union.matchAll(/code: '([A-Z0-9_]+)'/g)].map(([, code = '']) => code)
}

test('each code of a failure stands in the docs, with what to do', () => {
  const documented = new Set(
    [...read('docs/errors.md').matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, code = '']) => code),
  )
  const codes = [
    'src/media/failure.ts',
    'src/node/coordinator/failure.ts',
    'src/node/network-error.ts',
    'src/protocols/errors.ts',
  ].map(codesIn)
  // Each of them has some: otherwise the pattern would be wrong.
  expect(codes.map((some) => some.length > 5)).toEqual([true, true, true, true])
  // What a worker could not do is told by its own reason.
  expect(codes.flat().filter((code) => code !== 'FAILED' && !documented.has(code))).toEqual([])
})

test('links within the docs lead somewhere', () => {
  const pages = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)]
  const broken = pages
    .filter((page) => page.endsWith('.md'))
    .flatMap((page) => {
      const links = [...read(page).matchAll(/\]\(([^)#\s]+)(#[^)\s]*)?\)/g)].map(([, path = '']) => path)
      const files = links.filter((link) => !/^[a-z]+:/.test(link))
      return files.filter((file) => !exists(join(page, '..', file))).map((file) => `${page}: ${file}`)
    })
  expect(broken).toEqual([])
})

function exists(path: string): boolean {
  try {
    readFileSync(join(ROOT, path))
    return true
  } catch {
    return false
  }
}
