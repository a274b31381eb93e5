/** A job as lines of a terminal: pure, from what is known of it and the room that there is. */
import stringWidth from 'string-width'
import { formatBytes, formatSeconds, printable } from '../format.ts'
import type { Colour, Style } from '../style.ts'
import type { JobModel, Part, PeerLine } from './model.ts'

export interface Room {
  readonly columns: number
  readonly rows: number
}

/** One each, and from the first again: whose segments are whose. */
const COLOURS = ['green', 'cyan', 'magenta', 'blue', 'yellow'] as const
/** Besides the peers: two lines of header, the bar, its words, and an empty one each. */
const OTHER_ROWS = 6
const WARNINGS_SHOWN = 3
const NAME_COLUMNS_MAX = 20
const HISTORY_COLUMNS = 12
const WORK_COLUMNS = 26

export function jobLines(model: JobModel, style: Style, { columns, rows }: Room): string[] {
  const width = Math.max(10, columns - 1)
  const { paint } = style
  const peers = model.peers
  const colourOf = (peer: string | undefined): Colour => {
    const place = peers.findIndex((line) => line.peer === peer)
    return place < 0 ? 'green' : (COLOURS[place % COLOURS.length] ?? 'green')
  }
  // All warnings are told below then.
  const isDone = model.phase === 'done'
  const shown = peers.slice(0, Math.max(1, rows - OTHER_ROWS - WARNINGS_SHOWN))
  const total = Math.max(1, model.progress?.total ?? model.job?.frames ?? 1)
  const most = Math.max(1e-9, ...peers.flatMap(({ history }) => history))
  const names = Math.min(NAME_COLUMNS_MAX, Math.max(...shown.map(({ name }) => stringWidth(name)), 4))
  return [
    ...header(model, style, width),
    '',
    ...shown.map((line) => peerText(line, { style, width, total, most, names, colour: colourOf(line.peer) })),
    ...(shown.length < peers.length ? [paint('dim', `  and ${peers.length - shown.length} more nodes`)] : []),
    '',
    `  ${filmBar(model.parts, total, width - 4, style, colourOf)}`,
    summary(model, style, width),
    ...(isDone ? [] : warnings(model, style, width)),
  ]
}

function header({ job, phase, progress }: JobModel, { paint, signs }: Style, width: number): string[] {
  if (job === undefined) return [paint('dim', `  ${PHASES.get(phase) ?? phase}`)]
  const left =
    phase === 'encoding' && progress?.eta !== undefined
      ? `${formatSeconds(progress.eta)} left`
      : (PHASES.get(phase) ?? phase)
  const files = cut(
    printable(`${job.input} ${signs.to} ${job.output}`),
    width - stringWidth(left) - 4,
    signs.cut,
  )
  const gap = ' '.repeat(Math.max(2, width - 2 - stringWidth(files) - stringWidth(left)))
  return [
    `  ${paint('bold', files)}${gap}${left}`,
    paint('dim', `  ${cut(job.params, width - 2, signs.cut)}`),
  ]
}

const PHASES: ReadonlyMap<string, string> = new Map([
  ['probing', 'reading the source'],
  ['waiting', 'waiting for nodes'],
  ['encoding', 'encoding'],
  ['joining', 'joining'],
  ['verifying', 'checking the output'],
  ['done', ''],
])

interface PeerRoom {
  readonly style: Style
  readonly width: number
  readonly total: number
  readonly most: number
  readonly names: number
  readonly colour: Colour
}

function peerText(line: PeerLine, { style, width, total, most, names, colour }: PeerRoom): string {
  const { paint, signs } = style
  const isThere = line.state === 'working' || line.state === 'idle' || line.state === 'draining'
  const name = padded(line.name, names, signs.cut)
  const share = `${Math.round((100 * line.frames) / total)} %`.padStart(5)
  const columns = [
    `  ${paint(isThere ? colour : 'dim', signs.peer)} ${name}`,
    padded(workText(line), WORK_COLUMNS, signs.cut),
    isThere && line.made === undefined ? `${line.fps.toFixed(1).padStart(7)} fps` : ' '.repeat(11),
    share,
    paint(colour, sparkline(line.history, most, signs.levels)),
    link(line, style),
  ]
  // What has no room is left out from the right; what is there is never cut in the middle.
  let text = ''
  for (const column of columns) {
    if (stringWidth(text) + 2 + stringWidth(column) > width) break
    text += text === '' ? column : `  ${column}`
  }
  return (text === '' ? cut(`  ${line.name}`, width, signs.cut) : text).trimEnd()
}

function workText({ state, detail, segments, made }: PeerLine): string {
  if (made !== undefined) return made === 1 ? '1 segment' : `${made} segments`
  const [first, ...more] = segments
  switch (state) {
    case 'left':
      return 'out of reach'
    case 'resting':
      return `rests${detail === undefined ? '' : `: ${detail}`}`
    case 'out':
      return `left out${detail === undefined ? '' : `: ${detail}`}`
    default: {
      if (first === undefined) return state === 'draining' ? 'leaving' : 'nothing to do'
      const part = Math.floor((100 * first.frames) / Math.max(1, first.total))
      const what =
        first.frames >= first.total
          ? `segment ${first.index} on its way`
          : `segment ${first.index}, ${part} %`
      return more.length === 0 ? what : `${what} + ${more.length}`
    }
  }
}

/** The frame rate over the last minute or so, beside the highest that anybody had. */
function sparkline(history: readonly number[], most: number, levels: readonly string[]): string {
  const marks = history.slice(-HISTORY_COLUMNS).map((fps) => {
    const level = Math.min(levels.length - 1, Math.round((fps / most) * (levels.length - 1)))
    return levels[level] ?? ''
  })
  return marks.join('').padStart(HISTORY_COLUMNS)
}

function link({ sent, received }: PeerLine, { paint, signs }: Style): string {
  if (sent < 1 && received < 1) return ''
  return paint('dim', `${signs.sent} ${formatBytes(sent)}/s ${signs.received} ${formatBytes(received)}/s`)
}

/** The film from its beginning to its end: what is here, what is encoded of what is in hand, what is in hand, what is left. */
function filmBar(
  parts: readonly Part[],
  total: number,
  width: number,
  { paint, signs }: Style,
  colourOf: (peer: string | undefined) => Colour,
): string {
  let bar = ''
  let run = ''
  let runColour: Colour | undefined
  const flush = () => {
    bar += runColour === undefined ? run : paint(runColour, run)
    run = ''
  }
  for (let column = 0; column < width; column++) {
    const frame = ((column + 0.5) * total) / width
    const part = parts.find(({ first, end }) => frame >= first && frame < end)
    const colour = part === undefined ? 'dim' : colourOf(part.peer)
    if (colour !== runColour) flush()
    runColour = colour
    if (part === undefined) run += signs.left
    else if (part.encoded === undefined) run += signs.done
    else run += frame < part.first + part.encoded ? signs.encoded : signs.inHand
  }
  flush()
  return bar
}

function summary({ progress, paused, job }: JobModel, { paint, signs }: Style, width: number): string {
  const short = (text: string) => cut(`  ${text}`, width, signs.cut)
  if (paused !== undefined) return paint('yellow', short(`waiting: ${paused}`))
  if (progress === undefined)
    return job === undefined ? '' : short(`${job.frames} frames, ${formatSeconds(job.seconds)}`)
  const { frames, total, fps, bytesSent, bytesReceived } = progress
  const traffic =
    bytesSent + bytesReceived === 0
      ? ''
      : `, sent ${formatBytes(bytesSent)}, received ${formatBytes(bytesReceived)}`
  const percent = `${((100 * frames) / Math.max(1, total)).toFixed(1)} %`
  const text = short(`${percent}  ${frames}/${total} frames, ${fps.toFixed(1)} fps${traffic}`)
  return text.replace(percent, paint('bold', percent))
}

function warnings({ warnings }: JobModel, { paint, signs }: Style, width: number): string[] {
  if (warnings.length === 0) return []
  const shown = warnings.slice(-WARNINGS_SHOWN)
  const more = warnings.length - shown.length
  return [
    '',
    ...shown.map((text) => paint('yellow', cut(`  ${signs.warning} ${text}`, width, signs.cut))),
    ...(more > 0 ? [paint('dim', `  and ${more} more, told at the end`)] : []),
  ]
}

/** As many columns as there are, with spaces behind. */
function padded(text: string, columns: number, mark: string): string {
  const short = cut(text, columns, mark)
  return short + ' '.repeat(Math.max(0, columns - stringWidth(short)))
}

/** No more columns than these. Text without colours. */
function cut(text: string, columns: number, mark: string): string {
  if (stringWidth(text) <= columns) return text
  let short = ''
  let used = stringWidth(mark)
  for (const { segment } of graphemes.segment(text)) {
    used += stringWidth(segment)
    if (used > columns) break
    short += segment
  }
  return columns < stringWidth(mark) ? '' : short + mark
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
