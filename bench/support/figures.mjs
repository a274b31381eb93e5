/** What a bench has measured, kept so that it can be drawn: one file a bench, each run replaces it. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export const FIGURES = 'tmp/figures'

/** @param {string} name of the picture @param {import('./plot.mjs').Chart} chart */
export async function keepFigures(name, chart) {
  await mkdir(FIGURES, { recursive: true })
  await writeFile(join(FIGURES, `${name}.json`), `${JSON.stringify(chart, undefined, 1)}\n`)
}

/** @returns names and charts of all that was kept */
export async function readFigures(directory = FIGURES) {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.json')).sort()
  return await Promise.all(
    names.map(async (name) => ({
      name: name.slice(0, -'.json'.length),
      chart: JSON.parse(await readFile(join(directory, name), 'utf8')),
    })),
  )
}

/** Where and when, for a chart's title. */
export const today = () => new Date().toISOString().slice(0, 10)
