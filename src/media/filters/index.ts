/** Chains of video filters: what each needs to see of the film, and what it does to the frames' times. */
import { type FilterNeeds, needsOf } from './catalogue.ts'
import { parseChain, type VideoFilter } from './chain.ts'

export type { FilterNeeds } from './catalogue.ts'

export interface FilterChain extends FilterNeeds {
  /** In FFmpeg's notation. */
  readonly text: string
  readonly filters: readonly VideoFilter[]
}

/** The chain of a job without filters. */
export const NO_FILTERS: FilterChain = { text: '', filters: [], history: 0, times: 'kept' }

/** Reads a user's chain; a string says why it is not taken. */
export function readChain(text: string): FilterChain | string {
  const filters = parseChain(text)
  if (filters === undefined) return 'only a simple chain of filters is taken, without labels'
  let needs: FilterNeeds = NO_FILTERS
  for (const filter of filters) {
    const own = needsOf(filter)
    if (typeof own === 'string') return `filter '${filter.name}' ${own}`
    needs = behind(needs, own)
  }
  return { text, filters, ...needs }
}

/** What two filters need together, one behind the other. */
function behind(first: FilterNeeds, second: FilterNeeds): FilterNeeds {
  // Frames that are no longer the source's, one by one, cannot be counted back there.
  const isCountable = second.history === 0 || first.times === 'kept'
  const isBounded = first.history !== 'all' && second.history !== 'all'
  const times = second.times === 'kept' ? first.times : first.times === 'kept' ? second.times : 'changed'
  const mixes = first.times !== 'kept' && second.times !== 'kept' && first.times !== second.times
  return {
    history: isBounded && isCountable && !mixes ? Number(first.history) + Number(second.history) : 'all',
    times,
  }
}
