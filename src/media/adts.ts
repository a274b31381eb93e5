/** AAC in MPEG-TS has a header in each packet (ADTS); elsewhere there is one for the whole track. */
import type { SourceStream } from './probe.ts'

/** FFmpeg's bitstream filter that takes these headers off, and lets packets through that have none. */
export const WITHOUT_ADTS_HEADERS = 'aac_adtstoasc'

export function mayHaveAdtsHeaders({ codec }: SourceStream): boolean {
  return codec === 'aac'
}
