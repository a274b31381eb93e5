import { describe, expect, test } from 'vitest'
import { describeLosses, mayLose } from '../../src/media/lost-traits.ts'
import type { PictureTraits } from '../../src/media/picture-traits.ts'

const traits = (
  transfer: string,
  sideData: Record<string, Record<string, unknown>> = {},
  pixelFormat = 'yuv420p10le',
): PictureTraits => ({ transfer, pixelFormat, telling: 1, sideData: new Map(Object.entries(sideData)) })

const DISPLAY = {
  'Mastering display metadata': {
    ...{ red_x: '34000/50000', red_y: '16000/50000', green_x: '53/200', green_y: '69/100' },
    ...{ blue_x: '3/20', blue_y: '3/50', white_point_x: '3127/10000', white_point_y: '329/1000' },
    ...{ min_luminance: '1/10000', max_luminance: '1000/1' },
  },
}
const LIGHT = { 'Content light level metadata': { max_content: 1000, max_average: 400 } }
const HDR10_PLUS = { 'HDR Dynamic Metadata SMPTE2094-40 (HDR10+)': {} }

const of = (source: PictureTraits, encoded: PictureTraits, encoder = 'libx265', params: string[] = []) =>
  describeLosses({ source, encoded, encoder, params })

describe('the mastering display', () => {
  const source = traits('smpte2084', { ...DISPLAY, ...LIGHT })
  const steps = 'G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)'

  test.each([
    ['libx265', `add to -x265-params hdr10=1:master-display=${steps}:max-cll=1000,400`],
    ['libx264', `add to -x264-params mastering-display=${steps}:cll=1000,400`],
    [
      'libsvtav1',
      'add to -svtav1-params mastering-display=G(0.265,0.69)B(0.15,0.06)R(0.68,0.32)WP(0.3127,0.329)L(1000,0.0001):content-light=1000,400',
    ],
    ['libvpx-vp9', 'libvpx-vp9 cannot write it; libx265 and libsvtav1 can'],
  ])('that %s drops comes with the remedy', (encoder, remedy) => {
    expect(of(source, traits('smpte2084'), encoder)).toEqual([
      `HDR10: the mastering display and the light level (MaxCLL) would be lost: ${remedy}`,
    ])
  })

  test('is no loss where it is kept, given by hand, or where pictures are no PQ any more', () => {
    expect(of(source, source)).toEqual([])
    expect(of(source, traits('smpte2084'), 'libx264', ['-x264-params', 'mastering-display=G(1,1)'])).toEqual(
      [],
    )
    expect(of(source, traits('bt709', {}, 'yuv420p'))).toEqual([])
  })

  test('a light level of nothing is none', () => {
    const nothing = { 'Content light level metadata': { max_content: 0, max_average: 0 } }
    expect(of(source, traits('smpte2084', { ...DISPLAY, ...nothing }))).toEqual([
      expect.stringMatching(/^HDR10: the light level \(MaxCLL\) would be lost/),
    ])
    expect(of(traits('smpte2084', nothing), traits('smpte2084'))).toEqual([])
  })
})

test('HDR10+ is named', () => {
  const source = traits('smpte2084', { ...DISPLAY, ...LIGHT, ...HDR10_PLUS })
  expect(of(source, traits('smpte2084', { ...DISPLAY, ...LIGHT }))).toEqual([
    expect.stringMatching(/^HDR10\+ .*libx265 does not write it/),
  ])
  expect(of(source, source)).toEqual([])
})

describe('Dolby Vision', () => {
  const record = (dv_profile: number) => ({ 'DOVI configuration record': { dv_profile } })

  test('is lost without its frames, even where its record is copied', () => {
    const source = traits('arib-std-b67', record(8))
    expect(of(source, source)).toEqual([expect.stringMatching(/^Dolby Vision \(profile 8\) would be lost/)])
    expect(of(source, traits('arib-std-b67', { 'Dolby Vision RPU Data': {} }))).toEqual([])
  })

  test('without a base layer means wrong colours', () => {
    expect(of(traits('unknown', record(5)), traits('unknown'))).toEqual([
      expect.stringMatching(/profile 5\).*wrong colours/),
    ])
  })
})

test('HDR with 8 bits is named, for PQ and HLG', () => {
  for (const transfer of ['smpte2084', 'arib-std-b67']) {
    expect(of(traits(transfer), traits(transfer, {}, 'yuv420p'))).toEqual([
      expect.stringContaining('-pix_fmt yuv420p10le'),
    ])
    for (const deep of ['yuv420p10le', 'p010le', 'yuv444p12le', 'gbrp16be']) {
      expect(of(traits(transfer), traits(transfer, {}, deep))).toEqual([])
    }
  }
})

test('ordinary video needs no trial', () => {
  expect(mayLose(traits('bt709', { '3x3 displaymatrix': {} }))).toBe(false)
  expect(mayLose(traits('bt709', { 'ATSC A53 Part 4 Closed Captions': {} }))).toBe(true)
  expect(mayLose(traits('arib-std-b67'))).toBe(true)
  expect(mayLose(traits('bt709', { 'DOVI configuration record': {} }))).toBe(true)
})
