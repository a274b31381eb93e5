import { EventEmitter } from 'node:events'
import { stripVTControlCharacters } from 'node:util'
import stringWidth from 'string-width'
import { expect, test } from 'vitest'
import type { JobEvent, SegmentChanged } from '../../src/node/index.ts'
import { reporterFor } from '../../src/ui/reporter.ts'
import { styleOf, wantsColours, wantsUnicode } from '../../src/ui/style.ts'
import { JobModel } from '../../src/ui/terminal/model.ts'
import { terminalReporter } from '../../src/ui/terminal/reporter.ts'
import { jobLines } from '../../src/ui/terminal/view.ts'

const plain = styleOf({ colours: false, unicode: true })

function segment(
  index: number,
  peer: string,
  state: SegmentChanged['state'],
  more: Partial<SegmentChanged> = {},
) {
  const pts = { startPts: index * 100, endPts: index * 100 + 100, timeBase: '1/25' }
  return {
    event: 'segment',
    index,
    ...pts,
    peer,
    attempt: 1,
    first: index * 100,
    frames: 100,
    state,
    ...more,
  } as const
}

function progress(more: Partial<Extract<JobEvent, { event: 'progress' }>> = {}): JobEvent {
  const bytes = { bytesSent: 5_000_000, bytesReceived: 1_000_000 }
  const peers = [
    {
      peer: 'a',
      name: 'attic',
      frames: 150,
      fps: 20,
      segments: [{ index: 1, frames: 50, total: 100 }],
      ...bytes,
    },
    { peer: 'me', name: 'this node', frames: 0, fps: 0, segments: [], bytesSent: 0, bytesReceived: 0 },
  ]
  return { event: 'progress', frames: 150, total: 400, fps: 20, eta: 12, ...bytes, peers, ...more }
}

const JOB: JobEvent = {
  ...{
    event: 'job',
    job: 'j',
    input: 'film.mkv',
    output: 'film.mp4',
    params: '-c:v libx264',
    encoder: 'libx264',
  },
  ...{ frames: 400, seconds: 16, timeBase: '1/25', coordinator: 'me' },
}

function modelOf(...events: JobEvent[]): JobModel {
  const model = new JobModel()
  for (const [at, event] of events.entries()) model.take(event, at * 2_000)
  return model
}

const BUSY = [
  JOB,
  { event: 'phase', phase: 'encoding' },
  { event: 'peer', peer: 'a', name: 'attic', state: 'joined', slots: 1 },
  segment(0, 'a', 'assigned'),
  segment(0, 'a', 'verified', { bytes: 9, encodeSeconds: 1 }),
  segment(1, 'a', 'encoding'),
  progress(),
] as const satisfies readonly JobEvent[]

test('shows the job, each node, and the film from its beginning to its end', () => {
  const lines = jobLines(modelOf(...BUSY), plain, { columns: 101, rows: 24 })
  expect(lines[0]).toMatch(/^ {2}film\.mkv → film\.mp4 .* 12\.0 s left$/)
  expect(lines[1]).toBe('  -c:v libx264')
  expect(lines[3]).toMatch(/^ {2}● attic {6}segment 1, 50 % .* 20\.0 fps {3}38 %/)
  expect(lines[4]).toMatch(/^ {2}● this node {2}nothing to do/)
  expect(lines[6]).toBe(`  ${'█'.repeat(24)}${'▓'.repeat(12)}${'▒'.repeat(12)}${'░'.repeat(48)}`)
  expect(lines[7]).toBe('  37.5 %  150/400 frames, 20.0 fps, sent 5.0 MB, received 1.0 MB')
})

test('what was there before is there, and what failed is not', () => {
  const model = modelOf(
    JOB,
    { event: 'resumed', segments: 1, frames: 100, stretches: [[300, 400]] },
    segment(0, 'a', 'assigned'),
    segment(0, 'a', 'failed', { code: 'TOOL_EXIT', detail: 'boom' }),
  )
  const lines = jobLines(model, plain, { columns: 45, rows: 24 })
  expect(lines.join('\n')).toContain(`  ${'░'.repeat(30)}${'█'.repeat(10)}`)
  expect(lines.at(-1)).toBe('  ⚠ segment 0 failed on this node: boom')
})

test('a job that begins anew begins anew', () => {
  const lines = jobLines(modelOf(...BUSY.slice(0, -1), JOB), plain, { columns: 45, rows: 24 })
  expect(lines.join('\n')).toContain('░'.repeat(40))
})

const NAMES = [
  '日本語のとても長い機械の名前です',
  '👩‍👩‍👧‍👦 home',
  'x'.repeat(64),
  'é'.normalize('NFD').repeat(30),
]

test.each([20, 24, 40, 61, 80, 200])('no line is wider than %i columns, whatever the names', (columns) => {
  const peers = NAMES.map((name, at) => ({
    ...{ peer: `${at}`, name, frames: 10, fps: 123.4, bytesSent: 1e9, bytesReceived: 1e9 },
    segments: [{ index: 1000 + at, frames: 1, total: 100 }],
  }))
  const long = { ...JOB, input: '入力'.repeat(40), params: '-x264-params '.repeat(20) }
  const model = modelOf(
    long,
    { event: 'warning', message: 'subtitles are converted '.repeat(9) },
    { event: 'paused', code: 'X', message: 'no space left '.repeat(9) },
    progress({ peers }),
    progress({ peers: peers.map((peer) => ({ ...peer, bytesSent: 3e9 })) }),
  )
  for (const unicode of [true, false]) {
    for (const colours of [true, false]) {
      for (const line of jobLines(model, styleOf({ colours, unicode }), { columns, rows: 24 })) {
        expect(stringWidth(line), line).toBeLessThan(columns)
      }
    }
  }
})

test('more nodes than there are rows are counted', () => {
  const peers = Array.from({ length: 40 }, (_, at) => ({
    ...{ peer: `${at}`, name: `node-${at}`, frames: 1, fps: 1, segments: [], bytesSent: 0, bytesReceived: 0 },
  }))
  const lines = jobLines(modelOf(JOB, progress({ peers })), plain, { columns: 80, rows: 20 })
  expect(lines.length).toBeLessThan(20)
  expect(lines.join('\n')).toMatch(/and \d+ more nodes/)
})

test('letters alone where the locale has no others, and no colours where they are not wanted', () => {
  const style = styleOf({ colours: false, unicode: false })
  const text = jobLines(modelOf(...BUSY), style, { columns: 80, rows: 24 }).join('\n')
  expect(text).toMatch(/^[\n -~]*$/)
  expect(wantsUnicode({ LANG: 'de_DE.UTF-8' }, 'linux')).toBe(true)
  expect(wantsUnicode({ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }, 'linux')).toBe(false)
  expect(wantsUnicode({}, 'linux')).toBe(false)
  expect(wantsColours({}, true)).toBe(true)
  expect(wantsColours({ NO_COLOR: '1' }, true)).toBe(false)
  expect(wantsColours({ NO_COLOR: '' }, true)).toBe(true)
  expect(wantsColours({ TERM: 'dumb' }, true)).toBe(false)
  expect(wantsColours({ FORCE_COLOR: '1' }, false)).toBe(true)
})

function fakeTerminal(isTTY: boolean) {
  const written: string[] = []
  const stream = Object.assign(new EventEmitter(), {
    ...{ isTTY, columns: 60, rows: 20 },
    write: (text: string) => written.push(text) > 0,
  })
  return { written, stream: stream as unknown as NodeJS.WriteStream }
}

test('draws ten times a second at most, and the last state in the end', () => {
  const { written, stream } = fakeTerminal(true)
  let now = 0
  const { take, close } = terminalReporter({ stream, style: plain, doneText: () => [], now: () => now })
  for (const event of BUSY) take(event)
  for (let at = 0; at < 500; at++) {
    now = at * 2
    take(progress({ frames: 150 + (at % 200) }))
  }
  close()
  const drawn = written.filter((text) => /frames/.test(text)).length
  expect(drawn).toBeGreaterThan(5)
  expect(drawn).toBeLessThan(13)
  expect(stripVTControlCharacters(written.join(''))).toContain('249/400 frames')
})

const REPORTER = { env: {}, platform: 'linux', now: () => 0 } as const

test.each([
  ['a pipe', false, {}, {}],
  ['CI', true, { CI: 'true' }, {}],
  ['a dumb terminal', true, { TERM: 'dumb' }, {}],
  ['-v', true, {}, { verbose: true }],
] as const)('%s gets plain lines', (_, isTTY, env, options) => {
  const { written, stream } = fakeTerminal(isTTY)
  const { take, close } = reporterFor({ ...REPORTER, stream, env, ...options })
  for (const event of BUSY) take(event)
  close()
  expect(stripVTControlCharacters(written.join(''))).toBe(written.join(''))
  expect(written.join('')).toMatch(/^[^\r]*\n$/)
  expect(written.join('')).toContain('film.mkv → film.mp4\n')
  expect(written.join('').includes('segment 0: verified')).toBe('verbose' in options)
})

test('-q says nothing', () => {
  const { written, stream } = fakeTerminal(true)
  const { take, close } = reporterFor({ ...REPORTER, stream, quiet: true })
  for (const event of BUSY) take(event)
  close()
  expect(written).toEqual([])
})
