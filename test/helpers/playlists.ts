/** What RFC 8216 asks of a media playlist that is read now and again, as a check of several readings of one. */
import { expect } from 'vitest'

export interface ReadPlaylist {
  readonly version: number
  readonly targetSeconds: number
  readonly mediaSequence: number
  readonly discontinuitySequence: number
  readonly type: string | undefined
  readonly isIndependent: boolean
  readonly isEnded: boolean
  readonly segments: readonly {
    uri: string
    seconds: number
    map: string | undefined
    discontinuity: number
    date: number
  }[]
}

export function readPlaylist(text: string): ReadPlaylist {
  const lines = text.split('\n').filter((line) => line !== '')
  expect(lines[0]).toBe('#EXTM3U')
  const value = (name: string) => lines.find((line) => line.startsWith(`#${name}:`))?.slice(name.length + 2)
  const segments: ReadPlaylist['segments'][number][] = []
  let [seconds, map, date]: [number | undefined, string | undefined, number] = [
    undefined,
    undefined,
    Number.NaN,
  ]
  let discontinuity = Number(value('EXT-X-DISCONTINUITY-SEQUENCE') ?? 0)
  for (const line of lines) {
    if (line === '#EXT-X-DISCONTINUITY') discontinuity++
    else if (line.startsWith('#EXT-X-MAP:')) map = /URI="([^"]+)"/.exec(line)?.[1]
    else if (line.startsWith('#EXT-X-PROGRAM-DATE-TIME:'))
      date = Date.parse(line.slice(line.indexOf(':') + 1))
    else if (line.startsWith('#EXTINF:')) seconds = Number.parseFloat(line.slice(8))
    else if (!line.startsWith('#')) {
      // Section 4.3.2.1: each segment has its length.
      expect(seconds, line).toBeGreaterThan(0)
      segments.push({ uri: line, seconds: seconds ?? 0, map, discontinuity, date })
      seconds = undefined
    }
  }
  return {
    version: Number(value('EXT-X-VERSION') ?? 1),
    targetSeconds: Number(value('EXT-X-TARGETDURATION')),
    mediaSequence: Number(value('EXT-X-MEDIA-SEQUENCE') ?? 0),
    discontinuitySequence: Number(value('EXT-X-DISCONTINUITY-SEQUENCE') ?? 0),
    type: value('EXT-X-PLAYLIST-TYPE'),
    isIndependent: lines.includes('#EXT-X-INDEPENDENT-SEGMENTS'),
    isEnded: lines.includes('#EXT-X-ENDLIST'),
    segments,
  }
}

/** @param readings of one playlist, in the order of time */
export function expectLivePlaylists(readings: readonly string[]): void {
  let before: ReadPlaylist | undefined
  for (const text of readings) {
    const now = readPlaylist(text)
    // 4.3.3.1: rounded to whole seconds none is longer than the target, which does not change.
    for (const { seconds } of now.segments) expect(Math.round(seconds)).toBeLessThanOrEqual(now.targetSeconds)
    // 4.3.2.5: outside of lists of I-frames EXT-X-MAP takes version 6.
    if (now.segments.some(({ map }) => map !== undefined)) expect(now.version).toBeGreaterThanOrEqual(6)
    expect(now.isIndependent).toBe(true)
    if (before !== undefined) {
      expect(now.targetSeconds).toBe(before.targetSeconds)
      // 6.2.1 and 6.2.2: numbers never go back, and a segment keeps its own, its discontinuity and its name.
      expect(now.mediaSequence).toBeGreaterThanOrEqual(before.mediaSequence)
      expect(now.discontinuitySequence).toBeGreaterThanOrEqual(before.discontinuitySequence)
      if (before.type === 'EVENT') expect(now.mediaSequence).toBe(before.mediaSequence)
      for (const [at, segment] of before.segments.entries()) {
        const place = before.mediaSequence + at - now.mediaSequence
        if (place >= 0) expect(now.segments[place]).toEqual(segment)
      }
      expect(now.mediaSequence + now.segments.length).toBeGreaterThanOrEqual(
        before.mediaSequence + before.segments.length,
      )
      expect(before.isEnded && !now.isEnded).toBe(false)
    }
    before = now
  }
}
