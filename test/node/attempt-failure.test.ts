import { describe, expect, test } from 'vitest'
import { MediaError } from '../../src/media/index.ts'
import { classifyFailure, describeFailure } from '../../src/node/coordinator/attempt-failure.ts'
import { StartsInDoubt } from '../../src/node/coordinator/starts.ts'
import { ProtocolError } from '../../src/protocols/errors.ts'

const here = {
  isLocal: true,
  isGone: false,
  evidence: 'decoded',
  isToldAlike: false,
  isSeekable: true,
} as const
const there = { ...here, isLocal: false } as const

const frames = new MediaError({ code: 'SEGMENT_FRAMES', expected: 2, actual: 1 })
const framesThere = new ProtocolError({ code: 'FAILED', reason: 'SEGMENT_FRAMES', detail: '' })
const otherBuild = new MediaError({ code: 'PARAMETER_SETS', detail: '' })
const look = new MediaError({ code: 'SEGMENT_LOOK', differences: ['colour range is pc instead of tv'] })
const pictureThere = new ProtocolError({ code: 'FAILED', reason: 'SEGMENT_PICTURE', detail: '' })
const refused = new ProtocolError({ code: 'REFUSED', reason: 'BUSY', detail: '' })
const noSpace = new Error('ffmpeg: No space left on device')

describe('a failed attempt', () => {
  test.each([
    ['a full disk of this node', Object.assign(new Error(''), { code: 'ENOSPC' }), there, 'disk-full'],
    ['a full disk that ffmpeg here tells of', noSpace, here, 'disk-full'],
    ['a full disk elsewhere', noSpace, there, 'failed'],
    ['other frames than the packets tell', frames, { ...there, evidence: 'packets' }, 'index-in-doubt'],
    ['the same from a peer', framesThere, { ...there, evidence: 'packets' }, 'index-in-doubt'],
    ['other frames than were decoded', frames, there, 'failed'],
    ['pictures of another kind, from a peer', pictureThere, there, 'look-in-doubt'],
    ['other colours than the first frame has', look, there, 'look-in-doubt'],
    ['the same from a segment that was told them', look, { ...there, isToldAlike: true }, 'failed'],
    ['another build elsewhere', otherBuild, there, 'other-build'],
    ['other parameter sets here', otherBuild, here, 'starts-in-doubt'],
    ['the same though it was decoded from the start', otherBuild, { ...here, isSeekable: false }, 'failed'],
    ['a start that gives other pictures', new StartsInDoubt(), here, 'starts-in-doubt'],
    ['a busy peer', refused, there, 'refused'],
    ['a busy peer that has left', refused, { ...there, isGone: true }, 'refused'],
    ['a lease that ended', new ProtocolError({ code: 'LEASE_EXPIRED', leaseMs: 1 }), there, 'lost'],
    ['a peer that has left', new Error('the peer has left'), { ...there, isGone: true }, 'lost'],
    ['anything else', new Error('whatever'), there, 'failed'],
  ] as const)('is told apart: %s', (_, error, circumstances, expected) => {
    expect(classifyFailure(error, circumstances)).toBe(expected)
  })

  test('is told with the reason that the peer names', () => {
    expect(describeFailure(framesThere).code).toBe('SEGMENT_FRAMES')
    expect(describeFailure(refused).code).toBe('REFUSED')
    expect(describeFailure('odd')).toEqual({ detail: 'odd' })
  })
})
