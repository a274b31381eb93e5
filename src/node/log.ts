/**
 * What a node does, for whoever looks for a fault: `DEBUG=ffswarm:*` writes it to standard error, by component, as libp2p does with its
 * own.
 */
import type { Libp2p } from '@libp2p/interface'
import type { JobEvent } from './coordinator/events.ts'
import { watchEventLoop } from './event-loop.ts'
import type { Membership } from './membership.ts'
import type { WorkerTaskEvent } from './worker/index.ts'

export interface Log {
  task(event: WorkerTaskEvent): void
  job(event: JobEvent): void
  stop(): void
}

export function openLog({ logger }: Pick<Libp2p, 'logger'>, membership: Membership): Log {
  const of = (component: string) => logger.forComponent(`ffswarm:${component}`)
  const [peers, worker, job, loop] = [of('peers'), of('worker'), of('job'), of('event-loop')]
  const ended = new AbortController()
  const { signal } = ended
  membership.addEventListener(
    'join',
    ({ detail }) => peers('%s is there (%p)', detail.hello.name, detail.id),
    { signal },
  )
  membership.addEventListener(
    'leave',
    ({ detail }) => peers('%s is gone (%p)', detail.hello.name, detail.id),
    { signal },
  )
  membership.addEventListener(
    'refuse',
    ({ detail }) => peers('%p is not let in: %s', detail.id, detail.failure.code),
    { signal },
  )
  // It wakes up a hundred times a second, which costs nearly one percent of a core.
  const stopWatching = loop.enabled ? watchEventLoop((delayMs) => loop('late by %d ms', delayMs)) : () => {}
  return {
    task: (event) => worker('segment %d of %s: %s', event.task, event.job, JSON.stringify(event)),
    job(event) {
      if (event.event !== 'progress') job('%s', JSON.stringify(event))
    },
    stop() {
      ended.abort()
      stopWatching()
    },
  }
}
