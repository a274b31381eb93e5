/**
 * `node scripts/picture.mjs LOG OUT.svg [PART]`: what the terminal showed of a job, from the `--log-file` of a real run, as a picture for the docs. PART
 * of the job's frames, from 0 to 1, says at which moment; default 0.6.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { styleOf } from '../dist/ui/style.js'
import { JobModel } from '../dist/ui/terminal/model.js'
import { jobLines } from '../dist/ui/terminal/view.js'

const COLUMNS = 100
const [CELL, LINE, MARGIN] = [8.4, 20, 18]
const COLOURS = { 31: '#ff7b72', 32: '#56d364', 33: '#e3b341', 34: '#79c0ff', 35: '#d2a8ff', 36: '#39c5cf' }

const [log, output, part = '0.6'] = process.argv.slice(2)
if (output === undefined) {
  process.stderr.write('usage: node scripts/picture.mjs LOG OUT.svg [PART]\n')
  process.exit(2)
}

const model = new JobModel()
for (const line of (await readFile(log, 'utf8')).split('\n')) {
  if (line === '') continue
  const { at, ...event } = JSON.parse(line)
  model.take(event, Date.parse(at))
  if (event.event === 'progress' && event.frames >= Number(part) * event.total) break
}
const lines = jobLines(model, styleOf({ colours: true, unicode: true }), { columns: COLUMNS + 1, rows: 24 })
const [width, height] = [COLUMNS * CELL + 2 * MARGIN, lines.length * LINE + 2 * MARGIN]
const rows = lines.map((line, row) => {
  const y = MARGIN + (row + 0.75) * LINE
  return runsOf(line)
    .map(
      ({ text, column, style }) =>
        `<text x="${(MARGIN + column * CELL).toFixed(1)}" y="${y}"${style}>${escaped(text)}</text>`,
    )
    .join('')
})
await writeFile(
  output,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="A job on a terminal">
<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:#e6edf3}</style>
<rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>
${rows.filter((row) => row !== '').join('\n')}
</svg>
`,
)

/** Pieces of one look each, with their places. */
function runsOf(line) {
  const runs = []
  let [column, style] = [0, '']
  const look = { colour: undefined, bold: false, dim: false }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape of ANSI's colours
  for (const piece of line.split(/(\u001b\[\d+m)/)) {
    const code = Number(/\[(\d+)m$/.exec(piece)?.[1] ?? Number.NaN)
    if (!Number.isNaN(code)) {
      if (code === 1) look.bold = true
      if (code === 2) look.dim = true
      if (code === 22) Object.assign(look, { bold: false, dim: false })
      if (code === 39) look.colour = undefined
      look.colour = COLOURS[code] ?? look.colour
      const words = [
        ...(look.colour === undefined ? [] : [`fill:${look.colour}`]),
        ...(look.bold ? ['font-weight:bold'] : []),
        ...(look.dim ? ['opacity:0.55'] : []),
      ]
      style = words.length === 0 ? '' : ` style="${words.join(';')}"`
      continue
    }
    // Blocks one by one, for fonts differ in their width; and words, for not everybody keeps spaces.
    for (const text of piece.match(/[\u2580-\u259f]| {2,}|^ |(?:[^ \u2580-\u259f]| (?! ))+/g) ?? []) {
      runs.push({ text, column, style })
      column += [...text].length
    }
  }
  return runs.filter(({ text }) => text.trim() !== '')
}

function escaped(text) {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;')
}
