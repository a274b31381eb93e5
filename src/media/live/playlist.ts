/** Playlists of HTTP Live Streaming (RFC 8216). Pure: lists in, text out. */

export interface PlaylistSegment {
  /** Relative to the playlist. */
  readonly uri: string
  readonly seconds: number
  /** Of its header, relative to the playlist; undefined: it needs none. */
  readonly mapUri: string | undefined
  /** When its first frame was taken in: ISO 8601, UTC. */
  readonly takenIn: string
  /** What was before it is of another input or encoding. */
  readonly isDiscontinuous: boolean
}

export interface MediaPlaylist {
  /** No segment is longer, rounded to whole seconds. */
  readonly targetSeconds: number
  /** `event`: it keeps all; `sliding`: the newest alone; `vod`: it is done. */
  readonly kind: 'event' | 'sliding' | 'vod'
  /** Of its first segment, among all that there ever were. */
  readonly mediaSequence: number
  /** How many discontinuities have left it with their segments. */
  readonly discontinuitySequence: number
  readonly segments: readonly PlaylistSegment[]
  readonly isEnded: boolean
}

export function mediaPlaylist(list: MediaPlaylist): string {
  const lines = [
    '#EXTM3U',
    // EXT-X-MAP outside of I-frame playlists (RFC 8216, section 7).
    `#EXT-X-VERSION:${list.segments.some(({ mapUri }) => mapUri !== undefined) ? 6 : 3}`,
    `#EXT-X-TARGETDURATION:${list.targetSeconds}`,
    `#EXT-X-MEDIA-SEQUENCE:${list.mediaSequence}`,
    ...(list.discontinuitySequence > 0
      ? [`#EXT-X-DISCONTINUITY-SEQUENCE:${list.discontinuitySequence}`]
      : []),
    ...(list.kind === 'sliding' ? [] : [`#EXT-X-PLAYLIST-TYPE:${list.kind.toUpperCase()}`]),
    '#EXT-X-INDEPENDENT-SEGMENTS',
  ]
  let mapUri: string | undefined
  for (const [at, segment] of list.segments.entries()) {
    if (segment.isDiscontinuous && (at > 0 || list.mediaSequence > 0)) lines.push('#EXT-X-DISCONTINUITY')
    if (segment.mapUri !== undefined && segment.mapUri !== mapUri)
      lines.push(`#EXT-X-MAP:URI="${segment.mapUri}"`)
    mapUri = segment.mapUri
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${segment.takenIn}`)
    lines.push(`#EXTINF:${segment.seconds.toFixed(6)},`, segment.uri)
  }
  if (list.isEnded) lines.push('#EXT-X-ENDLIST')
  return `${lines.join('\n')}\n`
}

/** One way in which the stream can be had. */
export interface Rendition {
  readonly uri: string
  /** Bits a second: the most of any segment, and on average. */
  readonly peakBandwidth: number
  readonly averageBandwidth: number
  /** RFC 6381, such as `avc1.64001f`; undefined where they cannot be told. */
  readonly codecs: string | undefined
  readonly width: number
  readonly height: number
  readonly framesPerSecond: number | undefined
}

/** The playlist of playlists; players take the first that they can. */
export function multivariantPlaylist(renditions: readonly Rendition[]): string {
  const lines = renditions.flatMap((rendition) => {
    const { peakBandwidth, averageBandwidth, codecs, width, height, framesPerSecond } = rendition
    const attributes = [
      `BANDWIDTH=${Math.ceil(peakBandwidth)}`,
      `AVERAGE-BANDWIDTH=${Math.ceil(averageBandwidth)}`,
      ...(codecs === undefined ? [] : [`CODECS="${codecs}"`]),
      `RESOLUTION=${width}x${height}`,
      ...(framesPerSecond === undefined ? [] : [`FRAME-RATE=${framesPerSecond.toFixed(3)}`]),
    ]
    return [`#EXT-X-STREAM-INF:${attributes.join(',')}`, rendition.uri]
  })
  return `${['#EXTM3U', '#EXT-X-VERSION:6', '#EXT-X-INDEPENDENT-SEGMENTS', ...lines].join('\n')}\n`
}
