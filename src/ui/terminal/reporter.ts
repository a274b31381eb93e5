/** Draws a job on a terminal, anew as it goes on, ten times a second at most. */
import { createLogUpdate } from 'log-update'
import stringWidth from 'string-width'
import type { JobDone, JobEvent } from '../../node/index.ts'
import type { Style } from '../style.ts'
import { JobModel } from './model.ts'
import { jobLines } from './view.ts'

export interface TerminalOptions {
  readonly stream: NodeJS.WriteStream
  readonly style: Style
  /** What is said in the end, a line each. */
  doneText(done: JobDone): readonly string[]
  /** A monotonic clock in milliseconds. */
  now(): number
}

export interface Reporter {
  take(event: JobEvent): void
  /** Whatever is said behind it stands below. */
  close(): void
}

const FRAME_MS = 100
const COLUMNS_DEFAULT = 80
const ROWS_DEFAULT = 24

export function terminalReporter({ stream, style, doneText, now }: TerminalOptions): Reporter {
  const model = new JobModel()
  const screen = createLogUpdate(stream)
  let drawnAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let isOpen = true
  let widths: readonly number[] = []

  function draw(): void {
    clearTimeout(timer)
    timer = undefined
    drawnAt = now()
    const { columns = COLUMNS_DEFAULT, rows = ROWS_DEFAULT } = stream
    const lines = jobLines(model, style, { columns, rows })
    widths = lines.map((line) => stringWidth(line))
    screen(lines.join('\n'))
  }

  function drawSoon(): void {
    const waitMs = drawnAt + FRAME_MS - now()
    if (waitMs <= 0) draw()
    else timer ??= setTimeout(draw, waitMs)
  }

  const onResize = () => {
    // A narrower terminal has wrapped the lines anew: they take more rows than were drawn.
    const { columns = COLUMNS_DEFAULT } = stream
    const rows = widths.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0)
    if (rows > 0) stream.write(`\u001B[${rows}A\r\u001B[J`)
    screen.done()
    widths = []
    drawSoon()
  }
  stream.on('resize', onResize)

  function close(): void {
    if (!isOpen) return
    isOpen = false
    stream.off('resize', onResize)
    clearTimeout(timer)
    // What ended before it began has nothing to show.
    if (model.progress === undefined && model.phase !== 'done') screen.clear()
    else draw()
    screen.done()
  }

  return {
    take(event) {
      if (!isOpen) return
      model.take(event, now())
      if (event.event !== 'done') {
        drawSoon()
        return
      }
      close()
      const { paint, signs } = style
      for (const text of model.warnings) stream.write(`${paint('yellow', `  ${signs.warning} ${text}`)}\n`)
      for (const text of doneText(event)) stream.write(`${text}\n`)
    },
    close,
  }
}
