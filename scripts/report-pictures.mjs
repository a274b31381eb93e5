/**
 * `node scripts/report-pictures.mjs REPORT DIRECTORY`: the charts of a real job's report, each a picture for the docs: who did what when, bits a
 * second, and quality.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { reportPage } from '../dist/ui/report/index.js'
import { STYLE } from '../dist/ui/report/style.js'

const [report, directory] = process.argv.slice(2)
if (directory === undefined) {
  process.stderr.write('usage: node scripts/report-pictures.mjs REPORT.json DIRECTORY\n')
  process.exit(2)
}

const page = reportPage(JSON.parse(await readFile(report, 'utf8')))
const charts = page.match(/<svg .*?<\/svg>/gs) ?? []
for (const [at, name] of ['who-when', 'bit-rate', 'quality'].entries()) {
  const [, width, height] = /viewBox="0 0 (\S+) (\S+)"/.exec(charts[at] ?? '') ?? []
  if (width === undefined) continue
  const chart = charts[at]
    .replace('<svg ', `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" `)
    .replace('>', `><style>${colours()}</style><rect width="${width}" height="${height}" fill="#fff"/>`)
  await writeFile(join(directory, `${name}.svg`), `${chart}\n`)
}

/** The page's own, of a bright screen, with the values in the place of their names: not all that shows pictures knows variables. */
function colours() {
  const values = new Map(
    [...STYLE.slice(0, STYLE.indexOf('@media')).matchAll(/(--\w+): ([^;}\s]+)/g)].map(([, ...pair]) => pair),
  )
  const rules = [...STYLE.matchAll(/^(?:svg|\.grid|\.area|\.look|\.phase0|\.wait|\.needless).*$/gm)].map(
    ([rule]) => rule,
  )
  const own = Array.from(
    { length: 8 },
    (_, at) => `.c${at} .verified,.c${at} .wait,.c${at} .bring{fill:${values.get(`--c${at}`)}}`,
  )
  return [...rules, ...own]
    .join('')
    .replaceAll(/svg( |\{)/g, '$1')
    .replaceAll(/ ?\{ ?width: 100%[^}]*\}/g, 'text{font:12px system-ui,sans-serif}')
    .replaceAll(/var\((--\w+)\)/g, (_, name) => values.get(name) ?? 'none')
}
