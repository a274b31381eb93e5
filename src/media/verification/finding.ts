/** What can be wrong with a finished file, as data; the sentence a person reads is made from it here. */

export type Finding =
  | FramesFinding
  | { code: 'OUTPUT_SHIFTED'; seconds: number }
  | { code: 'OUTPUT_STREAMS'; detail: string }
  /** A report says otherwise. */
  | { code: 'OUTPUT_UNREPORTED'; detail: string }
  | AudioFinding
  | DecodingFinding
  | PictureFinding

/** Frames that the source has and the file has not, or the other way round. */
export interface FramesFinding {
  code: 'OUTPUT_FRAMES'
  missing: number
  extra: number
  expected: number
  /** The first one: its place among the expected frames, and its time from the file's zero. */
  at: number
  seconds: number
}

/** An audio track that starts or ends elsewhere against the picture than the source's. */
export interface AudioFinding {
  code: 'OUTPUT_AUDIO'
  stream: number
  edge: 'start' | 'end'
  /** From the first picture. */
  expectedSeconds: number
  actualSeconds: number
}

export interface DecodingFinding {
  code: 'OUTPUT_DECODING'
  /** The decoder's first words of complaint, and how many more lines of them there are. */
  detail: string
  more: number
}

export interface PictureFinding {
  code: 'OUTPUT_PICTURE'
  /** `outlier`: unlike the source's picture of its time; `colours`: in its colours; `levels`: as if limited range were taken for full, or the other way round; `misplaced`: more like the one before or after. */
  kind: 'outlier' | 'colours' | 'levels' | 'misplaced'
  at: number
  seconds: number
  ssim: number
  psnr: number
  /** The film's, over all pictures that were compared. */
  medianSsim: number
}

export function describeFinding(finding: Finding): string {
  switch (finding.code) {
    case 'OUTPUT_FRAMES':
      return `${frames(finding)}, the first at ${finding.seconds.toFixed(3)} s (frame ${finding.at} of ${finding.expected})`
    case 'OUTPUT_SHIFTED':
      return `the whole video is ${Math.abs(finding.seconds).toFixed(3)} s too ${finding.seconds > 0 ? 'late' : 'early'}`
    case 'OUTPUT_STREAMS':
    case 'OUTPUT_UNREPORTED':
      return finding.detail
    case 'OUTPUT_AUDIO': {
      const apart = finding.actualSeconds - finding.expectedSeconds
      const verb = finding.edge === 'start' ? 'starts' : 'ends'
      return `audio stream ${finding.stream} ${verb} ${(Math.abs(apart) * 1000).toFixed(1)} ms too ${apart > 0 ? 'late' : 'early'} against the picture`
    }
    case 'OUTPUT_DECODING':
      return `it does not decode without errors: ${finding.detail}${finding.more > 0 ? ` (and ${finding.more} more lines)` : ''}`
    case 'OUTPUT_PICTURE': {
      const values = `SSIM ${finding.ssim.toFixed(3)}, PSNR ${finding.psnr.toFixed(1)} dB, median SSIM ${finding.medianSsim.toFixed(3)}`
      return `the picture at ${finding.seconds.toFixed(3)} s (frame ${finding.at}) ${WHAT[finding.kind]} (${values})`
    }
  }
}

const WHAT = {
  misplaced: 'is more like the source’s picture before or after it',
  colours: 'has other colours than the source’s',
  levels: 'has light of another range than the source’s: full for limited, or limited for full',
  outlier: 'is unlike the source’s',
}

function frames({ missing, extra }: FramesFinding): string {
  const lacking = missing === 0 ? [] : [`${missing} ${missing === 1 ? 'frame is' : 'frames are'} missing`]
  const added =
    extra === 0 ? [] : [`${extra} ${extra === 1 ? 'frame is' : 'frames are'} at no time of the source`]
  return [...lacking, ...added].join(' and ')
}
