/** What a failure means for the process: its exit code, and the last line of the machine interface. */
import { MediaError } from '../media/index.ts'
import type { JobFailed } from './coordinator/events.ts'
import { UnfinishedError } from './coordinator/unfinished.ts'
import { codeOf } from './errno.ts'
import { NetworkError } from './network-error.ts'

export const EXIT = { done: 0, failed: 1, usage: 2, environment: 3, unfinished: 4, interrupted: 130 } as const

const USAGE: ReadonlySet<string> = new Set([
  'PARAMS_INVALID',
  'OUTPUT_FORMAT',
  'OUTPUT_KIND',
  'ADDRESS_INVALID',
  'KEY_INVALID',
  'PEER_ID_INVALID',
  'PAIR_CODE_INVALID',
  'OUTPUTS_COLLIDE',
  'REPORT_OF_SEVERAL',
  'OUTPUT_DIRECTORY_WANTED',
  'CONFIG_UNREADABLE',
  'CONFIG_INVALID',
])
const ENVIRONMENT: ReadonlySet<string> = new Set([
  ...['TOOL_MISSING', 'TOOL_UNUSABLE', 'PORT_IN_USE', 'LISTEN_FAILED', 'DATA_DIR_UNUSABLE'],
  ...[
    'IDENTITY_UNREADABLE',
    'IDENTITIES_EXHAUSTED',
    'KEY_UNREADABLE',
    'SANDBOX_MISSING',
    'PAIRED_UNREADABLE',
  ],
])

/** 0 done, 1 failed, 2 usage, 3 environment, 4 unfinished but resumable, 130 interrupted. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return EXIT.interrupted
  if (error instanceof UnfinishedError) {
    return error.cause instanceof Interrupted ? EXIT.interrupted : EXIT.unfinished
  }
  const code = codeOf(error) ?? ''
  if (USAGE.has(code)) return EXIT.usage
  if ((error instanceof NetworkError || error instanceof MediaError) && ENVIRONMENT.has(code)) {
    return EXIT.environment
  }
  return EXIT.failed
}

export function failedEvent(error: unknown): JobFailed {
  const message = inOneLine(error instanceof Error ? error.message : String(error))
  const job = error instanceof UnfinishedError ? { job: error.job } : {}
  return { event: 'failed', code: codeOf(error) ?? 'INTERNAL', message, ...job }
}

/** File names may hold line feeds, and worse. */
function inOneLine(message: string): string {
  return message.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1))
}

/** The person pressed Ctrl-C, or the system asked the process to end. */
export class Interrupted extends Error {
  readonly code = 'INTERRUPTED'

  constructor() {
    super('interrupted')
  }
}
