/** What FFmpeg's reports say of the frames that an encoder is through with. */
import { expect, test } from 'vitest'
import { EncodingProgress } from '../../src/media/segment/progress.ts'

function read(reports: readonly (readonly [frames: number, microseconds: number | 'N/A'])[]) {
  const progress = new EncodingProgress()
  return reports.flatMap(([frames, microseconds]) =>
    [`frame=${frames}`, 'fps=30.0', `out_time_us=${microseconds}`, 'out_time=…', 'progress=continue'].flatMap(
      (line) => progress.read(line) ?? [],
    ),
  )
}

test('frames that an encoder only looks ahead at are not done', () => {
  // x264, as measured: 230 frames at 24 a second.
  const frames = read([
    ...([
      [1, 0],
      [35, 0],
      [54, 791_666],
      [107, 3_000_000],
      [162, 5_291_666],
      [220, 7_708_333],
    ] as const),
    ...([
      [230, 8_100_000],
      [230, 8_900_000],
      [230, 9_416_666],
    ] as const),
  ])
  expect(frames).toEqual([0, 0, 19, 72, 127, 185, 195, expect.closeTo(214, -0.5), expect.closeTo(227, -0.5)])
})

test('without a look ahead they are those that were given', () => {
  expect(
    read([
      [10, 0],
      [30, 800_000],
      [60, 2_000_000],
    ]),
  ).toEqual([0, 20, 50])
})

test('they never become fewer, nor more than were given', () => {
  expect(
    read([
      [10, 0],
      [50, 1_000_000],
      [51, 9_000_000],
      [51, 100],
    ]),
  ).toEqual([0, 40, 41, 41])
})

test('where ffmpeg says nothing of packets, those that were given count', () => {
  expect(
    read([
      [10, 'N/A'],
      [20, 'N/A'],
    ]),
  ).toEqual([10, 20])
})
