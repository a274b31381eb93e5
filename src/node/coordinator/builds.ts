/**
 * Which encoder builds a job can use: those whose parameter sets are the job's, since a decoder that is told one build's
 * reads another's pictures wrongly.
 */
import { type InspectedSegment, inBandHeaders } from '../../media/index.ts'

/** An encoder by what it makes of the job's params. */
export type Build = Pick<InspectedSegment, 'parameterSets' | 'encoder'>

/**
 * The build that the job's segments must equal. That is this node's own, so that the output is what this machine would
 * have made alone, and not a matter of who is done first. Where this node does not encode, it has no say: the first
 * segment that is verified decides, and so one node at least can do the job.
 *
 * @returns undefined: the first segment decides
 */
export function wantedBuild(own: Build | undefined, encodesHere: boolean): Build | undefined {
  return encodesHere ? own : undefined
}

/** Why a node cannot do the job, as the rest of a sentence that begins with its name; undefined: it can. */
export function whyUnfit(made: Build, wanted: Build | undefined, encoder: string): string | undefined {
  if (wanted === undefined || made.parameterSets === wanted.parameterSets) return undefined
  const named = ({ encoder }: Build) => encoder ?? 'of unknown version'
  const remedy = `use the same FFmpeg there${inBandHeaders(encoder) === 'never' ? '' : ', or --mixed-builds'}`
  return `its encoder (${named(made)}) makes other parameter sets than this job's (${named(wanted)}): ${remedy}`
}
