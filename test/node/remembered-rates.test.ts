/** Rates of peers, kept from job to job. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readRates, rememberRates } from '../../src/node/coordinator/remembered-rates.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ffswarm-rates-'))
})
afterAll(async () => await rm(directory, { recursive: true, force: true }))

const DAY = 86_400_000

test('they are kept by the kind of work, and the newest count', async () => {
  expect(await readRates(directory, 'fast', 0)).toEqual(new Map())
  await rememberRates(
    directory,
    'fast',
    new Map([
      ['a', 30],
      ['b', 10],
    ]),
    0,
  )
  await rememberRates(directory, 'slow', new Map([['a', 3]]), 1)
  await rememberRates(directory, 'fast', new Map([['a', 20]]), 2)
  expect(await readRates(directory, 'fast', 3)).toEqual(
    new Map([
      ['a', 20],
      ['b', 10],
    ]),
  )
  expect(await readRates(directory, 'slow', 3)).toEqual(new Map([['a', 3]]))
  expect(await readdir(directory)).toEqual(['rates.json'])
})

test('old ones say nothing, and nothing is kept of nothing', async () => {
  await rememberRates(directory, 'fast', new Map(), 50 * DAY)
  expect(await readRates(directory, 'fast', 50 * DAY)).toEqual(new Map())
})

test('there is an end to what is kept', async () => {
  const many = new Map(Array.from({ length: 1_000 }, (_, at): [string, number] => [`peer-${at}`, at + 1]))
  for (let kind = 0; kind < 100; kind++) await rememberRates(directory, `kind-${kind}`, many, kind)
  expect(await readRates(directory, 'kind-0', 100)).toEqual(new Map())
  expect((await readRates(directory, 'kind-99', 100)).size).toBe(256)
})

test.each(['', 'no JSON', '{"kinds":[{"kind":1}]}'])(
  'a file with %j in it is as good as none',
  async (text) => {
    await writeFile(join(directory, 'rates.json'), text)
    expect(await readRates(directory, 'fast', 0)).toEqual(new Map())
    await rememberRates(directory, 'fast', new Map([['a', 1]]), 0)
    expect(await readRates(directory, 'fast', 0)).toEqual(new Map([['a', 1]]))
  },
)
