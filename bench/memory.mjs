/**
 * `npm run bench:memory`: the resident memory of each node, without its ffmpegs, while a file far larger than that is
 * encoded. Reads /proc, so it runs on Linux only.
 */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { clipArguments, findTools } from '../scripts/support/media.mjs'
import { withLab } from '../scripts/support/swarm.mjs'
import { megabytes, say, seconds, table } from './support/report.mjs'

const PEAK_TARGET_MB = 250
const SAMPLE_INTERVAL_MS = 200
/** What is looped: long enough to have cuts, short enough to be made quickly. */
const LOOP_SECONDS = 20

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    gigabytes: { type: 'string', default: '4' },
    directory: { type: 'string' },
    // What is measured is what passes through the nodes: the encoder has as little to do as possible.
    params: { type: 'string', default: '-vf scale=320:-2 -c:v libx264 -preset ultrafast' },
  },
})

await withLab(
  async (lab) => {
    const tools = await findTools()
    const source = positionals[0] ?? (await makeSource(lab, tools))
    const { size } = await stat(source)
    say(`ffmpeg ${tools.version}, source ${megabytes(size)}, params: ${options.params}`)
    const anna = await lab.join('anna')
    const bert = await lab.join('bert', { connect: [anna.address] })
    const nodes = [anna, bert]
    const memory = watch(() => nodes)
    const began = performance.now()
    const done = await lab.encode(
      [
        source,
        '-o',
        join(lab.directory, 'output.mkv'),
        '--params',
        options.params,
        '--peers',
        '2',
        '--local',
      ],
      {
        connect: [anna.address, bert.address],
        onStart: (pid) => nodes.push({ name: 'coordinator', pid }),
        onEvent: showProgress,
      },
    )
    memory.stop()
    const rows = [...memory.seen].map(([name, { peak, sum, count }]) => {
      const share = done.peers.find((peer) => peer.name === (name === 'coordinator' ? 'this node' : name))
      return [name, megabytes(peak), megabytes(sum / count), `${count}`, `${share?.frames ?? 0}`]
    })
    const peak = Math.max(...[...memory.seen.values()].map((node) => node.peak))
    say('')
    say(table(['node', 'peak RSS', 'mean RSS', 'samples', 'frames'], rows))
    say(
      `${done.frames} frames in ${seconds((performance.now() - began) / 1000)}, ${done.segments.length} segments`,
    )
    say(`sent ${megabytes(done.bytesSent)}, received ${megabytes(done.bytesReceived)}`)
    const verdict = peak < PEAK_TARGET_MB * 1e6 ? 'met' : 'missed'
    say(`highest peak ${megabytes(peak)} (target: under ${PEAK_TARGET_MB} MB: ${verdict})`)
  },
  options.directory === undefined ? {} : { parent: options.directory },
)

/** Samples the nodes' resident memory; the kernel's own high-water mark is the peak. */
function watch(nodes) {
  const seen = new Map()
  const sample = async () => {
    for (const { name, pid } of nodes()) {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
      const bytes = (field) =>
        1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
      if (bytes('VmRSS') === 0) continue
      const before = seen.get(name) ?? { peak: 0, sum: 0, count: 0 }
      seen.set(name, {
        peak: Math.max(before.peak, bytes('VmHWM')),
        sum: before.sum + bytes('VmRSS'),
        count: before.count + 1,
      })
    }
  }
  const timer = setInterval(sample, SAMPLE_INTERVAL_MS)
  return { seen, stop: () => clearInterval(timer) }
}

/** Motion JPEG: many bytes for little work, on both sides. The loop is copied until the file is large enough. */
async function makeSource(lab, tools) {
  const loop = join(lab.directory, 'loop.mov')
  const source = join(lab.directory, 'source.mov')
  const video = ['-c:v', 'mjpeg', '-q:v', '2', '-pix_fmt', 'yuvj420p']
  const shape = { seconds: LOOP_SECONDS, sceneSeconds: 5, width: 1920, height: 1080, noise: 20 }
  await lab.run([tools.ffmpeg.path, ...clipArguments(loop, { ...shape, video })])
  const { size } = await stat(loop)
  const repeats = Math.max(0, Math.ceil((Number(options.gigabytes) * 1e9) / size) - 1)
  await lab.run([
    ...[tools.ffmpeg.path, '-v', 'error', '-nostdin', '-y', '-stream_loop', `${repeats}`, '-i', loop],
    ...['-map', '0', '-c', 'copy', source],
  ])
  return source
}

function showProgress({ event, frames, total, fps }) {
  if (event !== 'progress' || process.stderr.isTTY !== true) return
  process.stderr.write(`\r\x1b[2K${frames}/${total} frames, ${fps.toFixed(0)} a second`)
}
