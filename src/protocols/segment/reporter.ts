/** Sends a worker's reports: the newest progress once in a heartbeat, or a bare heartbeat where there is none. */

import type { AbortOptions } from '@libp2p/interface'
import { withDeadline } from '../deadline.ts'
import { type MessageStream, writeMessage } from '../messages.ts'
import { SEGMENT_SEND_TIMEOUT_MS } from './constants.ts'
import { type SegmentProgress, type SegmentReport, segmentProgress, segmentReport } from './messages.ts'

export class Reporter {
  readonly #messages: MessageStream
  readonly #heartbeatMs: number
  #timer: NodeJS.Timeout | undefined
  #newest: SegmentProgress | undefined
  #sending = false

  constructor(messages: MessageStream, heartbeatMs: number) {
    this.#messages = messages
    this.#heartbeatMs = heartbeatMs
  }

  start(): void {
    this.#timer = setInterval(this.#beat, this.#heartbeatMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** @throws ZodError where the progress is none: better here than in silence on the wire */
  readonly onProgress = (progress: SegmentProgress): void => {
    this.#newest = segmentProgress.parse(progress)
  }

  async send(report: SegmentReport, options: AbortOptions): Promise<void> {
    await withDeadline('take the report', SEGMENT_SEND_TIMEOUT_MS, options, async (signal) => {
      await writeMessage(this.#messages, segmentReport, report, { signal })
    })
  }

  readonly #beat = (): void => {
    // The last one has not left yet: another behind it would say nothing new.
    if (this.#sending) return
    this.#sending = true
    const progress = this.#newest
    this.#newest = undefined
    const report: SegmentReport =
      progress === undefined ? { type: 'heartbeat' } : { type: 'progress', progress }
    this.send(report, {})
      // A stream that takes no reports ends by itself; the reader of verdicts notices.
      .catch(() => {})
      .finally(() => {
        this.#sending = false
      })
  }
}
