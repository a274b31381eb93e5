/** The matrix as a table: a line for each source, the families of params by what became of them. Grows as cells are done. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Reporter, TestCase } from 'vitest/node'

declare module 'vitest' {
  interface TaskMeta {
    /** Why the params were refused before any work. */
    refused?: string
  }
}

type Mark = 'equal' | 'refused' | 'different'

export default class TableReporter implements Reporter {
  readonly #path: string
  /** The families by what became of them, for each source. */
  readonly #rows = new Map<string, Record<Mark, string[]>>()
  readonly #refusals = new Map<string, number>()

  constructor({ path }: { path: string }) {
    this.#path = path
  }

  onTestCaseResult(cell: TestCase): void {
    const { state } = cell.result()
    if (state === 'skipped' || cell.parent.type !== 'suite') return
    const { refused } = cell.meta()
    if (refused !== undefined) this.#refusals.set(refused, (this.#refusals.get(refused) ?? 0) + 1)
    const mark = state !== 'passed' ? 'different' : refused === undefined ? 'equal' : 'refused'
    const row = this.#rows.get(cell.parent.name) ?? { equal: [], refused: [], different: [] }
    row[mark].push(cell.name)
    this.#rows.set(cell.parent.name, row)
    mkdirSync(dirname(this.#path), { recursive: true })
    writeFileSync(this.#path, this.#table())
  }

  #table(): string {
    const rows = [...this.#rows].sort(([one], [other]) => one.localeCompare(other))
    const total = (mark: Mark) => rows.reduce((sum, [, row]) => sum + row[mark].length, 0)
    const lines = rows.map(
      ([source, { equal, refused, different }]) =>
        `| ${source} | ${equal.length} | ${refused.join('; ')} | ${different.join('; ')} |`,
    )
    return [
      '| source | equal | refused | different |',
      '| --- | --- | --- | --- |',
      ...lines,
      `| **${rows.length} sources** | **${total('equal')}** | **${total('refused')}** | **${total('different')}** |`,
      '',
      'Refused, how often:',
      '',
      ...[...this.#refusals].map(([message, times]) => `- ${times}: ${message}`),
      '',
    ].join('\n')
  }
}
