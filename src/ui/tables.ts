/** Peers and checks as tables for people. */

import type { BenchmarkRow, Check, JobSummary, KeptReport, PeerRow } from '../node/index.ts'
import type { Preset } from '../node/presets.ts'
import { formatBytes, formatSeconds, printable } from './format.ts'

const SHOWN_ENCODERS = ['libx264', 'libx265', 'libsvtav1', 'libvpx-vp9', 'libaom-av1']

export function peersTable(rows: readonly PeerRow[]): string {
  if (rows.length === 0) {
    return "no other node was found: start 'ffswarm join' on one; if it runs, a firewall or another subnet may hold back mDNS (UDP port 5353): name it with the --connect HOST:PORT that join shows there\n"
  }
  const cells = rows.map((row) => [
    row.name,
    row.role === 'worker' ? stateOf(row) : row.role,
    `${row.busySlots}/${row.slots}`,
    `${row.cores}`,
    row.rttMs === null ? '-' : `${row.rttMs} ms`,
    row.ffmpeg ?? '-',
    row.encoders.filter((name) => SHOWN_ENCODERS.includes(name)).join(' '),
    row.peer,
    row.addresses.join(' '),
  ])
  return table(['NAME', 'STATE', 'SLOTS', 'CORES', 'RTT', 'FFMPEG', 'ENCODERS', 'PEER', 'ADDRESSES'], cells)
}

/** `working for laptop` or `working for laptop (2), desk (1)`. */
function stateOf({ state, serving }: PeerRow): string {
  if (serving.length === 0) return state
  const whom = serving.map(({ name, tasks }) => (serving.length === 1 ? name : `${name} (${tasks})`))
  return `${state} for ${whom.join(', ')}`
}

export function benchmarkTable(rows: readonly BenchmarkRow[]): string {
  return table(
    ['NAME', 'FPS', 'FRAMES', 'SECONDS', 'PEER'],
    rows.map(({ name, peer, result }) =>
      'fps' in result
        ? [name, result.fps.toFixed(1), `${result.frames}`, result.seconds.toFixed(1), peer]
        : [name, result.message, '', '', peer],
    ),
  )
}

export function jobsTable(jobs: readonly JobSummary[]): string {
  if (jobs.length === 0) return 'no unfinished jobs\n'
  const cells = jobs.map(({ id, isRunning, framesDone, frames, segments, bytes, begunAt, request }) => [
    id,
    isRunning ? 'running' : 'resumable',
    frames === undefined
      ? `${framesDone} frames`
      : `${Math.floor((100 * framesDone) / Math.max(1, frames))} %`,
    `${segments}`,
    formatBytes(bytes),
    begunAt?.slice(0, 16).replace('T', ' ') ?? '',
    request === undefined ? 'damaged' : `${request.inputPath} → ${request.outputPath}`,
    request?.params ?? '',
  ])
  return table(['JOB', 'STATE', 'DONE', 'SEGMENTS', 'ON DISK', 'BEGUN (UTC)', 'FILES', 'PARAMS'], cells)
}

export interface ReportRow {
  readonly job: string
  /** ISO 8601, UTC. */
  readonly endedAt: string
  readonly verdict: 'exact' | 'failed'
  readonly frames: number | null
  readonly seconds: number | null
  readonly nodes: number
  readonly input: string
  readonly output: string
  readonly params: string | null
}

export function reportRow({ id, endedAt, report }: KeptReport): ReportRow {
  const { verdict, output, work, nodes, source, params } = report
  return {
    ...{ job: id, endedAt, verdict, frames: output.times?.count ?? null, seconds: work?.wallSeconds ?? null },
    ...{ nodes: nodes.length, input: source.path, output: output.path, params: params.given },
  }
}

export function reportsTable(rows: readonly ReportRow[]): string {
  if (rows.length === 0) return 'no job has ended on this machine yet\n'
  const cells = rows.map(({ job, endedAt, verdict, frames, seconds, nodes, input, output, params }) => [
    job,
    endedAt.slice(0, 16).replace('T', ' '),
    verdict,
    frames === null ? '-' : `${frames}`,
    seconds === null ? '-' : formatSeconds(seconds),
    `${nodes}`,
    `${baseOf(input)} → ${baseOf(output)}`,
    params ?? '',
  ])
  return table(['JOB', 'ENDED (UTC)', 'VERDICT', 'FRAMES', 'TIME', 'NODES', 'FILES', 'PARAMS'], cells)
}

function baseOf(path: string): string {
  return path.replace(/^.*[/\\]/s, '')
}

/** In full: whoever likes one may want it otherwise in a thing or two. */
export function presetsText(presets: readonly Preset[]): string {
  return presets
    .map(
      ({ name, description, params, extension }) => `${name}  ${description}\n  ${params}  (${extension})\n`,
    )
    .join('\n')
}

export function checksTable(checks: readonly Check[]): string {
  const marks = { ok: 'ok', warning: 'warning', error: 'ERROR' } as const
  return table(
    ['CHECK', '', ''],
    checks.map(({ name, state, detail }) => [name, marks[state], detail]),
  )
}

export function table(header: string[], given: string[][]): string {
  const rows = given.map((row) => row.map(printable))
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  return [header, ...rows]
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
