/** `npm run bench:plot`: draws what the other benches have measured last (`tmp/figures`) into `docs/plots`. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readFigures } from './support/figures.mjs'
import { barChart } from './support/plot.mjs'
import { say } from './support/report.mjs'

const PLOTS = 'docs/plots'

await mkdir(PLOTS, { recursive: true })
for (const { name, chart } of await readFigures()) {
  const path = join(PLOTS, `${name}.svg`)
  await writeFile(path, barChart(chart))
  say(path)
}
