import { expect, test } from 'vitest'
import { MediaError } from '../../src/media/index.ts'

test.each([
  ['MPEG-1/2 does not support 90000/1 fps', true],
  ['timebase 1/90000 not supported by MPEG 4 standard', true],
  ['Unrecognized option “nosuch”', false],
])('what ffmpeg says of the params, %s, comes with a frame rate as the remedy: %s', (detail, hints) => {
  const { message } = new MediaError({ code: 'PARAMS_REJECTED', detail })
  expect(message).toContain(detail)
  expect(message.includes('-r 25')).toBe(hints)
})
