/** The report as a page for people: whatever stands in it, it shows it, runs nothing, and can be read again. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readReport, withReport } from '../../src/node/coordinator/read-report.ts'
import type { ReadReport } from '../../src/node/index.ts'
import { clock, ticksOf, timeTicks } from '../../src/ui/report/axis.ts'
import { filmOf } from '../../src/ui/report/curves.ts'
import { Html, html } from '../../src/ui/report/html.ts'
import { isPage, reportPage, reportText } from '../../src/ui/report/index.ts'
import { type Attempt, busyShare, placeAttempts } from '../../src/ui/report/lanes.ts'
import { temporaryDirectory } from '../support/temporary.ts'

const HOSTILE = `</script><script>alert(1)</script>"'<img src=x onerror=alert(1)>`

const REPORT: ReadReport = {
  ...{ schema: 'ffswarm-report/1', verdict: 'exact', software: 'ffswarm/0.1.0', level: 'full' },
  begunAt: '2026-11-28T06:34:43.000Z',
  source: { path: `/films/${HOSTILE}.mkv`, sizeBytes: 5e6, times: { count: 200, digest: 'd0' } },
  params: { given: `-c:v libx264 -metadata title=${HOSTILE}` },
  plan: { job: 'abc', timeBase: '1/25', times: { count: 200, digest: 'd1', firstPts: 0, lastPts: 199 } },
  singleRun: ['ffmpeg', '-i', `/films/${HOSTILE}.mkv`, 'out.mp4'],
  nodes: [
    { peer: 'peer-a', name: HOSTILE, ffmpeg: HOSTILE, encoders: [HOSTILE], segments: 2, frames: 150 },
    { peer: 'peer-b', name: 'attic', encoders: [], segments: 1, frames: 50 },
  ],
  segments: [0, 100, 150].map((firstPts, index) => ({
    ...{ index, firstPts, frames: [100, 50, 50][index] ?? 0, sizeBytes: 1000, sha256: 'ab'.repeat(32) },
    ...{ peer: index === 1 ? 'peer-b' : 'peer-a', attempt: 1 },
  })),
  output: {
    ...{ path: 'out.mp4', sizeBytes: 2e6, sha256: 'cd'.repeat(32), shiftTicks: 0 },
    ...{ expectedTimes: { count: 200, digest: 'd2' }, times: { count: 200, digest: 'd2' } },
    bitRate: { seconds: 1, bytes: [10_000, 90_000, 40_000, 0, 20_000, 1, 2, 3] },
    pictures: {
      ...{ compared: 16, medianSsim: 0.98, lowestSsim: 0.95 },
      stretches: [
        { first: 0, end: 4, seconds: 0, medianSsim: 0.99, lowestSsim: 0.98 },
        { first: 96, end: 104, seconds: 3.84, medianSsim: 0.97, lowestSsim: 0.95 },
      ],
    },
  },
  warnings: [HOSTILE],
  work: {
    ...{ wallSeconds: 20, bytesSent: 1e6, bytesReceived: 5e5, framesBefore: 0 },
    phases: [{ phase: 'encoding', began: 0, ended: 20 }],
    attempts: [attempt(0, 'peer-a', 0, 10), attempt(1, 'peer-b', 0, 20), attempt(2, 'peer-a', 10, 20)],
    peers: ['peer-a', 'peer-b'].map((peer) => ({
      ...{ peer, name: peer, slots: 1, frames: 100, framesPerSecond: 10, bytesSent: 1, bytesReceived: 2 },
    })),
    efficiency: { boundSeconds: 15, ofSum: 0.75, best: 'peer-a', bestSeconds: 30, speedup: 1.5 },
  },
}

function attempt(index: number, peer: string, encoding: number, encoded: number): Attempt {
  return {
    ...{ index, peer, attempt: 1, first: 0, frames: 100, assigned: encoding, encoding, encoded },
    ...{ ended: encoded, outcome: 'verified', code: null },
  }
}

/** Without anything between angle brackets, and with entities as they are read. */
function words(page: string): string {
  return page
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ')
}

describe('the page', () => {
  test('shows the verdict, the shares, and the commands to see for oneself', () => {
    const text = words(reportPage(REPORT))
    expect(text).toContain('exact 200 frames')
    expect(text).toContain('75 %')
    expect(text).toContain('1.50 ×')
    expect(text).toContain("ffmpeg -i '/films/")
    expect(text).toContain('ffswarm verify out.mp4')
    expect(text).toMatch(/attic.*25 %/)
  })

  test('has a bar for each attempt, and a mark for each seam', () => {
    const page = reportPage(REPORT)
    expect(page.match(/class="verified"/g)).toHaveLength(3)
    expect(page.match(/a segment begins at/g)).toHaveLength(4)
  })

  test('runs nothing and loads nothing, whatever names stand in it', () => {
    const page = withReport(reportPage(REPORT), REPORT)
    const scripts = page.match(/<script[^>]*>/g)
    expect(scripts).toEqual(['<script type="application/json" id="report">'])
    expect(page.match(/<\/script>/g)).toHaveLength(1)
    expect(page).not.toMatch(/<img/)
    expect(page).toMatch(/Content-Security-Policy" content="default-src &#39;none&#39;/)
    expect(page.match(/<[a-z][^>]*>/g)?.filter((tag) => /\s(href|src|on\w+)=/.test(tag))).toEqual([])
  })

  test('of a job that failed says why; what is not known is left out', () => {
    const failed = {
      ...REPORT,
      ...{ verdict: 'failed' as const, failure: { code: 'X', message: 'no such luck' }, singleRun: null },
      ...{ output: { path: 'out.mp4' }, segments: [], nodes: [], work: undefined, plan: undefined },
    }
    const text = words(reportPage(failed))
    expect(text).toContain('failed no such luck')
    expect(text).not.toMatch(/undefined|NaN|null/)
  })

  test('has no word of what is not there', () => {
    expect(words(reportPage(REPORT))).not.toMatch(/undefined|NaN|\[object/)
  })

  test('is read again as the report that it is of', async () => {
    const path = join(await temporaryDirectory(), 'report.html')
    await writeFile(path, reportText(path, REPORT, withReport))
    expect(await readReport(path)).toEqual(REPORT)
  })
})

test.each([
  ['a.html', true],
  ['a.HTM', true],
  ['a.json', false],
  ['html', false],
])('%s is a page: %s', (name, wanted) => expect(isPage(name)).toBe(wanted))

test.each([
  ['no JSON', 'nothing of the kind'],
  ['another schema', JSON.stringify({ ...REPORT, schema: 'x' })],
  ['numbers that are words', JSON.stringify({ ...REPORT, work: { ...REPORT.work, wallSeconds: '<b>' } })],
  ['a page without a report', '<!doctype html>\n<!-- ffswarm-report/1 -->\n<body></body>'],
])('%s is no report', async (_, text) => {
  const path = join(await temporaryDirectory(), 'report')
  await writeFile(path, text)
  await expect(readReport(path)).rejects.toMatchObject({ failure: { code: 'REPORT_UNREADABLE' } })
})

describe('lines of the chart', () => {
  const lanes = (...times: readonly [number, number][]) =>
    placeAttempts(
      times.map(([from, to], index) => attempt(index, 'a', from, to)),
      100,
    ).map(({ lane }) => lane)

  test('are one for what follows each other, and more for what is at once', () => {
    expect(lanes([0, 10], [10, 20], [20, 30])).toEqual([0, 0, 0])
    expect(lanes([0, 10], [1, 12], [11, 20], [13, 30])).toEqual([0, 1, 0, 1])
  })

  test('are one where the next begins a moment before it is heard that one has ended', () => {
    expect(lanes([0, 10.5], [10, 20], [19.2, 30])).toEqual([0, 0, 0])
  })

  test('tell how busy slots were', () => {
    const placed = placeAttempts([attempt(0, 'a', 0, 10), attempt(1, 'a', 5, 10)], 20)
    expect(busyShare(placed, 2, 0, 10)).toBe(0.75)
    expect(busyShare(placed, 0, 0, 10)).toBe(0)
  })
})

test('a film has the seconds of its frames, and seams where segments begin', () => {
  const film = filmOf(REPORT)
  expect(film?.end).toBeCloseTo(8, 9)
  expect(film?.seams).toEqual([4, 6])
  expect(filmOf({ ...REPORT, plan: undefined })).toBeUndefined()
})

test.each([
  [10, 4, [0, 5, 10]],
  [7, 4, [0, 2, 4, 6]],
  [0, 4, [0]],
])('ticks up to %d, %d at most', (end, most, wanted) => expect(ticksOf(end, most)).toEqual(wanted))

test('ticks of time are at whole steps of it', () => {
  expect(timeTicks(195, 10)).toEqual([0, 30, 60, 90, 120, 150, 180])
  expect(timeTicks(90 * 60, 10).at(-1)).toBe(90 * 60)
  expect([clock(65, 100), clock(3661, 4000), clock(1.5, 5)]).toEqual(['1:05', '1:01:01', '1.5 s'])
})

test('values are escaped, HTML is not', () => {
  expect(html`<b title="${'"<&'}">${new Html('<i>')}${['<', undefined, 5]}</b>`.text).toBe(
    '<b title="&quot;&lt;&amp;"><i>&lt;5</b>',
  )
})
