/** Figures as a picture: bars with their targets, as SVG that needs nothing else. */

const WIDTH = 720
const LABELS = 250
const VALUES = 90
const ROW = 24
const TOP = 46

/**
 * @typedef {object} Chart
 * @property {string} title what was measured, where and when
 * @property {string} unit of all values
 * @property {boolean} isLeast whether targets are to be reached rather than kept under
 * @property {{ label: string, value: number, target?: number }[]} rows
 */

/** @param {Chart} chart */
export function barChart({ title, unit, isLeast, rows }) {
  const most = Math.max(...rows.flatMap(({ value, target = 0 }) => [value, target])) * 1.05
  const x = (value) => LABELS + ((WIDTH - LABELS - VALUES) * value) / most
  const height = TOP + rows.length * ROW + 30
  const bars = rows.map(({ label, value, target }, at) => {
    const y = TOP + at * ROW
    const isMet = target === undefined || (isLeast ? value >= target : value <= target)
    return [
      `<text x="${LABELS - 8}" y="${y + 15}" text-anchor="end">${toXml(label)}</text>`,
      `<rect x="${LABELS}" y="${y + 4}" width="${(x(value) - LABELS).toFixed(1)}" height="${ROW - 9}" fill="${isMet ? '#2f7fb8' : '#d0743c'}"/>`,
      `<text x="${(x(Math.max(value, target ?? 0)) + 8).toFixed(1)}" y="${y + 15}">${format(value)}</text>`,
      target === undefined
        ? ''
        : `<line x1="${x(target).toFixed(1)}" x2="${x(target).toFixed(1)}" y1="${y + 1}" y2="${y + ROW - 2}" stroke="#222" stroke-width="2"/>`,
    ].join('')
  })
  const legend = `${unit}; the dark line is the target: at ${isLeast ? 'least' : 'most'} so much`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13" fill="#222">`,
    `<title>${toXml(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="12" y="26" font-size="15" font-weight="bold">${toXml(title)}</text>`,
    ...bars,
    `<text x="12" y="${height - 10}" font-size="11" fill="#555">${toXml(legend)}</text>`,
    '</svg>',
    '',
  ].join('\n')
}

function format(value) {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(3).replace(/0$/, '')
}

function toXml(text) {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
