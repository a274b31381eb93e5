/** AAC in MPEG-TS has a header in each packet (ADTS); elsewhere there is one for the whole track. */
import type { SourceStream } from './probe.ts'

/**
 * FFmpeg's option that takes these headers off, and lets packets through that have none; empty for other codecs.
 *
 * @param place of the stream in the output
 */
export function withoutAdtsHeaders({ codec }: SourceStream, place: number): string[] {
  return codec === 'aac' ? [`-bsf:${place}`, 'aac_adtstoasc'] : []
}
