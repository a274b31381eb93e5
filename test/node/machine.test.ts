import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import {
  defaultSlots,
  type Machine,
  parseCpuList,
  parseQuota,
  readMachine,
  sharesCpus,
} from '../../src/node/machine.ts'

describe('a list of CPUs as the kernel writes it', () => {
  test.each([
    ['0', [0]],
    ['0-3', [0, 1, 2, 3]],
    ['0-1,4,6-7', [0, 1, 4, 6, 7]],
    ['', []],
    ['rubbish', []],
    ['0,rubbish,2', [0, 2]],
    ['3-1', []],
  ])("'%s'", (text, cpus) => {
    expect(parseCpuList(text)).toEqual(cpus)
  })

  test('is bounded, whatever it says', () => {
    expect(parseCpuList('0-999999999')).toHaveLength(1024)
  })
})

describe('two nodes', () => {
  const machine: Machine = { id: 'a', cpus: [0, 1], cores: 2, quota: undefined }

  test('share CPUs on one machine', () => {
    expect(sharesCpus(machine, { host: 'a', cpus: [1, 2] })).toBe(true)
  })

  test('do not share CPUs where they are pinned apart', () => {
    expect(sharesCpus(machine, { host: 'a', cpus: [2, 3] })).toBe(false)
  })

  test('do not share CPUs on two machines, whatever their numbers', () => {
    expect(sharesCpus(machine, { host: 'b', cpus: [0, 1] })).toBe(false)
  })

  test('share CPUs on one machine that does not say which', () => {
    expect(sharesCpus(machine, { host: 'a', cpus: [] })).toBe(true)
    expect(sharesCpus({ ...machine, cpus: [] }, { host: 'a', cpus: [0] })).toBe(true)
  })
})

test.each([
  [1, 1],
  [2, 1],
  [4, 1],
  [8, 2],
  [16, 4],
  [64, 16],
  [256, 16],
])('%d cores have %d slots', (cores, slots) => {
  expect(defaultSlots(cores)).toBe(slots)
})

test('this machine has an id that names nobody, and the same each time', async () => {
  const [one, two] = await Promise.all([readMachine(), readMachine()])
  expect(one).toEqual(two)
  expect(one.id).toMatch(/^[0-9a-f]{32}$/)
  expect(one.cores).toBe(availableParallelism())
  if (process.platform === 'linux') expect(one.cpus.length).toBeGreaterThan(0)
})

test.each([
  ['50000 100000', 0.5],
  ['200000 100000\n', 2],
  ['max 100000', undefined],
  ['-1 100000', undefined],
  ['', undefined],
  ['100000 0', undefined],
])("a control group that says '%s'", (text, cores) => {
  expect(parseQuota(text)).toBe(cores)
})
