/**
 * `npm run bench:first-dispatch`: how soon work begins on a file that takes minutes to read: two hours, 20 GB. From the start of the
 * program to the first segment that is given to somebody. The file's pages are dropped from memory before each run.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { clipArguments, findTools } from '../scripts/support/media.mjs'
import { withLab } from '../scripts/support/swarm.mjs'
import { keepFigures, today } from './support/figures.mjs'
import { median, megabytes, say, seconds, table } from './support/report.mjs'

const TARGET_SECONDS = 1
const LOOP_SECONDS = 30

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    gigabytes: { type: 'string', default: '20' },
    hours: { type: 'string', default: '2' },
    repetitions: { type: 'string', default: '5' },
    directory: { type: 'string' },
  },
})

await withLab(
  async (lab) => {
    const tools = await findTools()
    const source = positionals[0] ?? (await makeSource(lab, tools))
    const { size } = await stat(source)
    const params = '-vf scale=320:-2 -c:v libx264 -preset ultrafast'
    say(`ffmpeg ${tools.version}, source ${megabytes(size)}, params: ${params}\n`)
    const rows = []
    const times = []
    for (let count = 1; count <= Number(options.repetitions); count++) {
      const isCold = await dropPages(lab, source)
      // Neither the program nor its tools are read from the disk for the first time.
      await lab.run([tools.ffmpeg.path, '-version'])
      await lab.run([tools.ffprobe.path, '-version'])
      const { probing, assigned } = await begin(lab, source, params)
      times.push(assigned)
      rows.push([`${count}`, isCold ? 'no' : 'perhaps', seconds(probing), seconds(assigned)])
    }
    say(table(['run', 'file in memory', 'node is up', 'first segment given'], rows))
    const verdict = median(times) <= TARGET_SECONDS ? 'met' : 'missed'
    await keepFigures('first-dispatch', {
      title: `From the start to the first segment given, ${megabytes(size)} (${today()})`,
      ...{ unit: 'seconds', isLeast: false },
      rows: times.map((value, at) => ({ label: `run ${at + 1}`, value, target: TARGET_SECONDS })),
    })
    say(`median ${seconds(median(times))} (target: at most ${seconds(TARGET_SECONDS)}: ${verdict})`)
  },
  options.directory === undefined ? {} : { parent: options.directory },
)

/** Starts a job, and ends it once a segment is given to somebody. */
async function begin(lab, source, params) {
  const began = performance.now()
  const since = () => (performance.now() - began) / 1000
  let probing
  let assigned
  let pid
  const encoding = lab.encode(
    [source, '-o', join(lab.directory, 'never.mkv'), '--params', params, '--local'],
    {
      connect: [],
      onStart: (started) => {
        pid = started
      },
      onEvent({ event, state }) {
        if (event === 'phase') probing ??= since()
        if (event !== 'segment' || state !== 'assigned' || assigned !== undefined) return
        assigned = since()
        process.kill(pid, 'SIGINT')
      },
    },
  )
  // It was interrupted, which is no success.
  await encoding.catch(() => {})
  if (assigned === undefined) throw new Error('nothing was ever given to anybody')
  return { probing, assigned }
}

/** The film's alone: programs stay in memory, as on a machine on which somebody works. */
async function dropPages(lab, source) {
  try {
    // What was written just now keeps the disk busy.
    await lab.run(['sync'])
    await lab.run(['dd', `if=${source}`, 'iflag=nocache', 'count=0', 'status=none'])
    return true
  } catch {
    return false
  }
}

/** Half a minute, many times one after the other. */
async function makeSource(lab, { ffmpeg }) {
  const rate = (Number(options.gigabytes) * 8e9) / (Number(options.hours) * 3600)
  const loop = join(lab.directory, 'loop.mp4')
  const source = join(lab.directory, 'source.mkv')
  say(`making ${options.gigabytes} GB in ${lab.directory} …`)
  const constant = ['-b:v', '-minrate', '-maxrate', '-bufsize'].flatMap((option) => [option, `${rate}`])
  const video = [
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-x264-params',
    'nal-hrd=cbr',
    '-g',
    '48',
    ...constant,
  ]
  const shape = { seconds: LOOP_SECONDS, sceneSeconds: 5, width: 1920, height: 1080 }
  await lab.run([ffmpeg.path, ...clipArguments(loop, { ...shape, video })])
  const times = Math.ceil((Number(options.hours) * 3600) / LOOP_SECONDS) - 1
  await lab.run([
    ...[ffmpeg.path, '-v', 'error', '-nostdin', '-y', '-stream_loop', `${times}`, '-i', loop],
    ...['-c', 'copy', source],
  ])
  return source
}
