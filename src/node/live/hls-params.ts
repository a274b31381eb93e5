/** `--stream-params`: what of FFmpeg's HLS options a stream takes, in FFmpeg's own words. Pure. */
import { MediaError, splitParams } from '../../media/index.ts'
import type { HlsSettings } from './hls-writer.ts'

export interface HlsParams {
  readonly segmentSeconds: number
  readonly hls: Omit<HlsSettings, 'targetSeconds'>
  readonly isTransportStream: boolean
}

/** As of FFmpeg's muxer, but for the segments' length: an encoder is worth more on longer ones. */
const SEGMENT_SECONDS_DEFAULT = 4
const LIST_SIZE_DEFAULT = 5
/** Flags that say what is done anyway. */
const DONE_ANYWAY = new Set([
  'independent_segments',
  'program_date_time',
  'temp_file',
  'discont_start',
  'append_list',
  'omit_endlist',
])

/** @throws MediaError PARAMS_INVALID */
export function readHlsParams(text: string): HlsParams {
  const words = splitParams(text)
  let segmentSeconds = SEGMENT_SECONDS_DEFAULT
  let kind: HlsSettings['kind'] = 'sliding'
  let listSize = LIST_SIZE_DEFAULT
  let deletes = false
  let isTransportStream = false
  for (let at = 0; at < words.length; at += 2) {
    const [name = '', value = ''] = words.slice(at, at + 2)
    const refuse = (detail: string): never => {
      throw new MediaError({ code: 'PARAMS_INVALID', option: `${name} ${value}`.trim(), detail })
    }
    const number = () => (/^\d+(\.\d+)?$/.test(value) ? Number(value) : refuse('a number is expected'))
    if (name === '-hls_time') segmentSeconds = number()
    else if (name === '-hls_list_size') listSize = number()
    else if (name === '-hls_playlist_type') {
      if (value !== 'event' && value !== 'vod') refuse('there are event and vod')
      kind = 'event'
    } else if (name === '-hls_segment_type') {
      if (value !== 'fmp4' && value !== 'mpegts') refuse('there are fmp4 and mpegts')
      isTransportStream = value === 'mpegts'
    } else if (name === '-hls_flags') {
      for (const flag of value.split('+').filter((word) => word !== '')) {
        if (flag === 'delete_segments') deletes = true
        else if (!DONE_ANYWAY.has(flag)) refuse(`the flag ${flag} is not taken`)
      }
    } else
      refuse(
        'it is no option of --stream-params: -hls_time, -hls_list_size, -hls_playlist_type, -hls_segment_type, -hls_flags',
      )
  }
  if (segmentSeconds < 1 || segmentSeconds > 30) {
    throw new MediaError({
      code: 'PARAMS_INVALID',
      option: '-hls_time',
      detail: 'from 1 to 30 seconds are taken',
    })
  }
  // FFmpeg: 0 keeps all.
  return {
    isTransportStream,
    segmentSeconds,
    hls: { kind: listSize === 0 ? 'event' : kind, listSize: Math.max(1, listSize), deletes },
  }
}
