/** What can go wrong with a job beyond its media and its network, as data; the prose is made here. */
import { inMegabytes } from '../disk-space.ts'
import type { BlamedSegment } from './output-error.ts'

export type JobFailure =
  | { code: 'OUTPUT_EXISTS'; path: string }
  | { code: 'OUTPUT_IS_INPUT'; path: string }
  | { code: 'OUTPUT_IS_DIRECTORY'; path: string }
  | { code: 'OUTPUT_NOT_A_FILE'; path: string }
  /** Another program has made a file of that name meanwhile; ours is at `kept`. */
  | { code: 'OUTPUT_APPEARED'; path: string; kept: string }
  | { code: 'OUTPUT_DIRECTORY_MISSING'; path: string; directory: string }
  /** A job goes on with an output of the kind that it was begun for. */
  | { code: 'OUTPUT_KIND'; path: string; kind: string }
  | { code: 'OUTPUT_UNWRITABLE'; directory: string; detail: string }
  /** `bytes` are needed, where that is known. */
  | { code: 'OUTPUT_DISK_FULL'; directory: string; bytes?: number }
  | { code: 'WORK_DISK_FULL'; directory: string; bytes?: number }
  | {
      code: 'PEERS_MISSING'
      wanted: number
      waitSeconds: number
      present: readonly string[]
      /** Where nodes with another key answered. */
      strangers: readonly string[]
    }
  | { code: 'PEERS_LOST'; waitSeconds: number }
  | { code: 'INPUTS_NONE'; path: string }
  | { code: 'REPORT_OF_SEVERAL' }
  | { code: 'OUTPUT_DIRECTORY_WANTED'; path: string }
  | { code: 'OUTPUTS_COLLIDE'; path: string; inputs: readonly [string, string] }
  | { code: 'SEGMENT_FAILED'; index: number; startSeconds: number; attempts: number; detail: string }
  | { code: 'SOURCE_CHANGED'; path: string; isGone: boolean }
  /** Another process works on this very job. */
  | { code: 'JOB_RUNNING'; id: string; output: string }
  /** What there is of it was written by a later version of ffswarm. */
  | { code: 'JOB_NEWER'; id: string; directory: string }
  /** Something of what there is of it cannot be read. */
  | { code: 'JOB_DAMAGED'; id: string; detail: string }
  | { code: 'JOB_UNKNOWN'; id: string | undefined; known: readonly string[] }
  | { code: 'JOB_AMBIGUOUS'; ids: readonly string[] }
  | ({ code: 'SEGMENT_CHANGED' } & BlamedSegment)
  /** @param option by which it was named */
  | { code: 'REPORT_UNWRITABLE'; path: string; detail: string; option?: string | undefined }
  | { code: 'REPORT_UNREADABLE'; path: string; detail: string }
  | { code: 'REPORT_UNKNOWN'; id: string; known: readonly string[] }
  | { code: 'LOG_FILE_TAKEN'; path: string; detail: string }

export class JobError extends Error {
  readonly failure: JobFailure

  constructor(failure: JobFailure, options?: ErrorOptions) {
    super(describe(failure), options)
    this.name = 'JobError'
    this.failure = failure
  }

  get code(): JobFailure['code'] {
    return this.failure.code
  }
}

function describe(failure: JobFailure): string {
  switch (failure.code) {
    case 'OUTPUT_EXISTS':
      return `${failure.path} exists: name another output with -o, or replace it with -y`
    case 'OUTPUT_IS_INPUT':
      return `${failure.path} is the input itself: name another output with -o`
    case 'OUTPUT_IS_DIRECTORY':
      return `${failure.path} is a directory: name a file with -o`
    case 'OUTPUT_NOT_A_FILE':
      return `${failure.path} is a pipe or a device: name a file with -o`
    case 'OUTPUT_APPEARED':
      return `${failure.path} has appeared while the film was encoded, and is left as it is: the finished output is ${failure.kept}`
    case 'OUTPUT_DIRECTORY_MISSING':
      return `${failure.path} cannot be written: there is no directory ${failure.directory}; make it first`
    case 'OUTPUT_KIND':
      return `${failure.path}: this job's segments are for a ${failure.kind} file; name one with -o, or begin another job with 'ffswarm encode'`
    case 'OUTPUT_UNWRITABLE':
      return `${failure.directory} cannot be written to (${failure.detail}): name an output elsewhere with -o`
    case 'OUTPUT_DISK_FULL':
      return `no space left in ${failure.directory}: ${free(failure)}, or name an output elsewhere with -o`
    case 'WORK_DISK_FULL':
      return `no space left in ${failure.directory}, where segments are kept: ${free(failure)}`
    case 'PEERS_MISSING': {
      const present = failure.present.length === 0 ? 'none is there' : `there: ${failure.present.join(', ')}`
      if (failure.strangers.length > 0) {
        return `${failure.wanted} other ${failure.wanted === 1 ? 'node' : 'nodes'} wanted, ${present} after ${failure.waitSeconds} s, and ${failure.strangers.join(', ')} ${failure.strangers.length === 1 ? 'has' : 'have'} another key: see 'ffswarm key show' on both sides`
      }
      return `${failure.wanted} other ${failure.wanted === 1 ? 'node' : 'nodes'} wanted, ${present} after ${failure.waitSeconds} s: start 'ffswarm join' there; if it runs, a firewall or another subnet may hold back mDNS (UDP port 5353): name it with the --connect HOST:PORT that join shows there`
    }
    case 'INPUTS_NONE':
      return `${failure.path}: there are no films in it; name the files themselves if they have unusual endings`
    case 'REPORT_OF_SEVERAL':
      return '--report is about one input: leave it out, or encode them one by one'
    case 'OUTPUT_DIRECTORY_WANTED':
      return `${failure.path}: of several inputs, or of a directory, -o names a directory for all outputs, and this is or looks like a file`
    case 'OUTPUTS_COLLIDE':
      return `${failure.inputs.join(' and ')} would both become ${failure.path}: encode them apart, each with its own -o`
    case 'PEERS_LOST':
      return `no node has been there to encode for ${failure.waitSeconds} s: start 'ffswarm join' on one, or leave out --no-local`
    case 'SEGMENT_FAILED':
      return `segment ${failure.index} (at ${failure.startSeconds.toFixed(1)} s) could not be encoded in ${failure.attempts} attempts: ${failure.detail}`
    case 'SOURCE_CHANGED':
      return failure.isGone
        ? `${failure.path} is not there any more: start again when it is back`
        : `${failure.path} has changed while it was encoded: start again when it is complete`
    case 'JOB_RUNNING':
      return `another process makes ${failure.output} of the same file with the same params (job ${failure.id}): wait for it, or end it first`
    case 'JOB_NEWER':
      return `job ${failure.id} was begun by a newer ffswarm: go on with that, or remove ${failure.directory}`
    case 'JOB_DAMAGED':
      return `job ${failure.id} is damaged (${failure.detail}): the command that began it may still go on with it; 'ffswarm jobs --discard ${failure.id}' has it begin anew`
    case 'JOB_UNKNOWN': {
      const known = failure.known.length === 0 ? '' : `; there are ${failure.known.join(', ')}`
      return `there is no unfinished job${failure.id ? ` ${failure.id}` : ''} on this machine${known}: 'ffswarm encode' begins one`
    }
    case 'JOB_AMBIGUOUS':
      return `there are several unfinished jobs (${failure.ids.join(', ')}): name one, as 'ffswarm jobs' lists them`
    case 'SEGMENT_CHANGED':
      return `segment ${failure.index} (${failure.startSeconds.toFixed(1)} to ${failure.endSeconds.toFixed(1)} s, encoded by ${failure.name}) changed on this disk after it was verified: check the disk of the data directory, or name another with --data-dir`
    case 'REPORT_UNWRITABLE':
      return `${failure.path} cannot be written (${failure.detail}): name another file with ${failure.option ?? '--report'}`
    case 'LOG_FILE_TAKEN':
      return `${failure.path} cannot be used (${failure.detail}): name another file with --log-file`
    case 'REPORT_UNKNOWN': {
      const some = failure.known.slice(0, KNOWN_MAX)
      const more = failure.known.length > KNOWN_MAX ? ' and others' : ''
      const known = some.length === 0 ? '' : `, but of ${some.join(', ')}${more}`
      return `there is no report of one job ${failure.id}${known}: name one as 'ffswarm report' lists them, or a report's file`
    }
    case 'REPORT_UNREADABLE':
      return `${failure.path} cannot be used: ${failure.detail}; name the file that 'ffswarm encode --report' has written`
  }
}

const KNOWN_MAX = 5

function free({ bytes }: { bytes?: number }): string {
  return bytes === undefined ? 'free some' : `free some (${inMegabytes(bytes)} are needed)`
}
