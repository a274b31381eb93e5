/** Events as JSON lines in a file, each with the time at which it came: for looking at later. */
import { appendFileSync } from 'node:fs'

/**
 * Appends to the file, at once: the last event before the end of the process counts most.
 *
 * @param now ISO 8601, UTC
 * @param onFailed called once where it cannot be written; nothing is written from then on
 */
export function logFile(
  path: string,
  now: () => string,
  onFailed: (error: unknown) => void,
): (event: object) => void {
  let hasFailed = false
  return (event) => {
    if (hasFailed) return
    try {
      appendFileSync(path, `${JSON.stringify({ at: now(), ...event })}\n`, {
        mode: 0o600,
      })
    } catch (error) {
      hasFailed = true
      onFailed(error)
    }
  }
}
