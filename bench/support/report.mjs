/** Figures as text. */

export const say = (text) => void process.stdout.write(`${text}\n`)

export const seconds = (value) => `${value.toFixed(2)} s`

export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Columns as a Markdown table, so that it can go into the docs as it is. */
export function table(header, rows) {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column].length)),
  )
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
