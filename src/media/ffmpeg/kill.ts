/**
 * Ends a process at once, with what it has started. What confines a tool is one process outside that waits for another inside, which ends
 * with it only once it has said so to the kernel: in its first milliseconds it would stay behind, with the tool's output open for ever.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** Of a child of this process, unless it has ended: its pid may be another's by then. */
export function killChild({ pid, exitCode, signalCode }: Child): void {
  if (pid !== undefined && exitCode === null && signalCode === null) killTree(pid)
}

interface Child {
  readonly pid?: number | undefined
  readonly exitCode: number | null
  readonly signalCode: NodeJS.Signals | null
}

/** It is stopped first, so that nothing is started while its children are looked for. Without /proc it alone is killed. */
function killTree(pid: number): void {
  if (!send(pid, 'SIGSTOP')) return
  waitUntilStopped(pid)
  for (const child of childrenOf(pid)) killTree(child)
  send(pid, 'SIGKILL')
}

/** Processes that a process has started and that are its children still. */
export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

/** A process in a system call stops when that is done: mostly at once, and one that waits for a disk is starting nothing. */
function waitUntilStopped(pid: number): void {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const state = stateOf(pid)
    if (state === undefined || /[TtZX]/.test(state)) return
  }
}

/** Some milliseconds. */
const LOOKS_MAX = 500

function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.charAt(stat.lastIndexOf(')') + 2)
  } catch {
    return undefined
  }
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    // It has ended.
    return false
  }
}
