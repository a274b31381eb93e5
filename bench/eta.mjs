/**
 * `npm run bench:eta [FILM…]`: how right the time left is. For each film, with two nodes of one core each: by how much of the job's whole time
 * the end that was told differs from the end that came, from a fifth of the time on.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findTools } from '../scripts/support/media.mjs'
import { withLab } from '../scripts/support/swarm.mjs'
import { make720p } from './support/footage.mjs'
import { say, table } from './support/report.mjs'

const TARGET = 0.1
const FROM = 0.2

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '120' },
    params: { type: 'string', default: '-c:v libx264 -preset fast -threads 1' },
  },
})

await withLab(async (lab) => {
  const tools = await findTools()
  const made =
    positionals.length > 0 ? positionals : [await make720p(lab, tools, { seconds: Number(options.seconds) })]
  const worker = await lab.join('worker', {})
  const rows = []
  for (const [at, film] of made.entries()) {
    const log = join(lab.directory, `log-${at}.jsonl`)
    const args = [
      film,
      '-o',
      join(lab.directory, `out-${at}.mkv`),
      '--params',
      options.params,
      '--log-file',
      log,
    ]
    await lab.encode([...args, '--peers', '1', '--local', '--slots', '1', '-y'], {
      connect: [worker.address],
    })
    rows.push({ film, ...errorsIn(await readFile(log, 'utf8')) })
  }
  say(table(['film', 'took', 'too early at most', 'too late at most', 'on average', ''], rows.map(toRow)))
})

/** Of the whole time, from the first progress on. */
function errorsIn(text) {
  const events = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const timeOf = ({ at }) => Date.parse(at) / 1000
  const [began, ended] = [timeOf(events[0]), timeOf(events.findLast(({ event }) => event === 'done'))]
  const seconds = ended - began
  const errors = events
    .filter((event) => event.event === 'progress' && event.eta !== undefined)
    .filter((event) => timeOf(event) - began >= FROM * seconds)
    .map((event) => (timeOf(event) + event.eta - ended) / seconds)
  return {
    seconds,
    early: Math.max(0, ...errors.map((error) => -error)),
    late: Math.max(0, ...errors),
    mean: errors.reduce((sum, error) => sum + Math.abs(error), 0) / errors.length,
  }
}

function toRow({ film, seconds, early, late, mean }) {
  const percent = (share) => `${(share * 100).toFixed(1)} %`
  const isMet = Math.max(early, late) <= TARGET
  return [
    film,
    `${seconds.toFixed(0)} s`,
    percent(early),
    percent(late),
    percent(mean),
    isMet ? '' : `over ${percent(TARGET)}`,
  ]
}
