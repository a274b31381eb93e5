/** What is said of a segment, and of one file among several. */

import type { FileEvent, SegmentChanged } from '../node/index.ts'
import { printable } from './format.ts'

/** A peer that is busy, and one whose every segment would fail: what is said of the peer says so. */
const TOLD_OF_THE_PEER: ReadonlySet<string> = new Set(['REFUSED', 'PARAMETER_SETS'])

/** @returns undefined where nothing is to be said */
export function failureText(
  { state, code, index, detail }: SegmentChanged,
  name = 'this node',
): string | undefined {
  if (state !== 'failed' || TOLD_OF_THE_PEER.has(code ?? '')) return undefined
  return `segment ${index} failed on ${name}: ${detail}`
}

/** Each step, for those who want to know. A failure is told anyway. */
export function segmentText(
  { state, index, attempt, frames, encodeSeconds, bytes, code }: SegmentChanged,
  name = 'this node',
): string | undefined {
  const what = `segment ${index}`
  switch (state) {
    case 'assigned':
      return `${what}: ${frames} frames for ${name}${attempt > 1 ? `, try ${attempt}` : ''}`
    case 'encoded':
      return `${what}: encoded by ${name} in ${encodeSeconds?.toFixed(1)} s, on its way here`
    case 'verified':
      return `${what}: verified, by ${name} in ${encodeSeconds?.toFixed(1)} s, ${bytes} bytes`
    case 'needless':
      return `${what}: others were sooner than ${name}`
    case 'failed':
      return TOLD_OF_THE_PEER.has(code ?? '') ? `${what}: not taken by ${name}` : undefined
    default:
      return undefined
  }
}

export function fileText({ place, of, input, output, state, message }: FileEvent): string {
  const which = printable(`[${place}/${of}] ${input}`)
  switch (state) {
    case 'begun':
      return which
    case 'skipped':
      return `${which}: ${output} is there already`
    case 'done':
      return `${which}: done`
    default:
      return `${which}: failed: ${message}`
  }
}
