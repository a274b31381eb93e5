/** What `-movflags` make of the starts of tracks. */
import { expect, test } from 'vitest'
import { outputFormat, trackStarts } from '../../src/media/index.ts'

test.each([
  ['film.mp4', '', 'exact'],
  ['film.mp4', '-movflags +faststart', 'exact'],
  ['film.mov', '-movflags frag_keyframe', 'together'],
  ['film.mp4', '-movflags +frag_keyframe -movflags +empty_moov', 'together'],
  ['film.mp4', '-movflags +frag_keyframe -movflags faststart', 'exact'],
  ['film.mp4', '-movflags +frag_keyframe+empty_moov+delay_moov', 'exact'],
  ['film.mp4', '-movflags +frag_keyframe+delay_moov-delay_moov', 'together'],
  ['film.mp4', '-movflags +frag_keyframe+negative_cts_offsets', 'apart'],
  ['film.mp4', '-movflags +negative_cts_offsets', 'exact'],
  ['film.mp4', '-movflags +cmaf+delay_moov', 'apart'],
  ['film.mkv', '-movflags +cmaf', 'exact'],
  ['film.mp4', '-frag_duration 1000000', 'together'],
  ['film.mp4', '-frag_duration 0 -min_frag_duration 1000000', 'exact'],
])('%s with %s: %s', (name, output, starts) => {
  expect(trackStarts(outputFormat(name), { output: output.split(' ').filter(Boolean) })).toBe(starts)
})
