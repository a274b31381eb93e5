/**
 * Signals that hold together, and are let go of as soon as the work is done: `AbortSignal.timeout` would keep its
 * timer, and `AbortSignal.any` its link to a long-lived caller, until they are collected.
 */

import '../polyfill.ts'
import { type AbortOptions, setMaxListeners } from '@libp2p/interface'
import { ProtocolError, toProtocolError } from './errors.ts'

/**
 * Runs `work` with a signal that aborts when the caller's does or after `timeoutMs`.
 *
 * @param phase - completes the sentence "the peer did not …"
 * @throws the caller's abort reason, or ProtocolError (`TIMEOUT` when the deadline passed)
 */
export async function withDeadline<T>(
  phase: string,
  timeoutMs: number,
  options: AbortOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController()
  const timer = setTimeout(() => {
    deadline.abort(new ProtocolError({ code: 'TIMEOUT', phase, timeoutMs }))
  }, timeoutMs)
  try {
    return await withSignals([options.signal, deadline.signal], work)
  } catch (err) {
    options.signal?.throwIfAborted()
    deadline.signal.throwIfAborted()
    throw toProtocolError(err)
  } finally {
    clearTimeout(timer)
  }
}

/** Without a reason at hand each abort makes one of its own, with a stack. */
const SETTLED = new Error('the work has settled')

/** Runs `work` with a signal that aborts when any of the given ones does, and in any case once `work` has settled. */
export async function withSignals<T>(
  signals: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const combined = new AbortController()
  const unlinks = signals.map((signal) => onAbort(signal, (reason) => combined.abort(reason)))
  try {
    return await work(combined.signal)
  } finally {
    for (const unlink of unlinks) unlink()
    combined.abort(SETTLED)
  }
}

/** The promise's value, or the signal's reason where that aborts first. The promise may still settle: nobody hears. */
export async function raceAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const unlink = onAbort(signal, (reason) => aborted.reject(reason))
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    unlink()
  }
}

/** Calls `listener` once with the reason, at once where the signal has aborted already. Returns how to stop listening. */
export function onAbort(signal: AbortSignal | undefined, listener: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => {}
  if (signal.aborted) {
    listener(signal.reason)
    return () => {}
  }
  const onEvent = () => listener(signal.reason)
  // One signal may govern hundreds of reads: that many listeners are no leak.
  setMaxListeners(Infinity, signal)
  signal.addEventListener('abort', onEvent, { once: true })
  return () => signal.removeEventListener('abort', onEvent)
}
