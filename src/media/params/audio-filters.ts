/** Audio filters that never end: a single run with them does not either, and a job must not find that out at its join. */
import { argumentOf, parseChain } from '../filters/chain.ts'

/** Why a user's chain of audio filters is not taken, or undefined where it is. */
export function whyAudioFiltersRefused(text: string): string | undefined {
  for (const filter of parseChain(text) ?? []) {
    if (
      filter.name === 'apad' &&
      !APAD_ENDS.some(([name, place]) => isSet(argumentOf(filter, [name], place)))
    ) {
      return "'apad' without a length adds silence for ever; give it one, as apad=whole_dur=SECONDS, or end the output with -t"
    }
    if (filter.name === 'aloop' && argumentOf(filter, ['loop'], 0)?.startsWith('-')) {
      return "'aloop' with loop=-1 never ends; give it a number of loops, as aloop=loop=2:size=48000, or end the output with -t"
    }
  }
  return undefined
}

/** The options that give `apad` an end, and their places. */
const APAD_ENDS = [
  ['pad_len', 1],
  ['whole_len', 2],
  ['pad_dur', 3],
  ['whole_dur', 4],
] as const

/** Below zero is their way to say "without". */
function isSet(value: string | undefined): boolean {
  return value !== undefined && !value.startsWith('-')
}
