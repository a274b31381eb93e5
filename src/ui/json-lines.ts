/** Events as JSON lines on standard output: the machine interface. */
import type { JobEvent } from '../node/index.ts'

export function jsonLines(write: (text: string) => void): (event: object) => void {
  return (event) => write(`${JSON.stringify(event)}\n`)
}

export type { JobEvent }
