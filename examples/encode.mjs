/**
 * Encodes a file with whoever is there, and draws how far it is.
 *
 *     node examples/encode.mjs film.mkv film.mp4 "-c:v libx264 -crf 23"
 */
import { createNode, UnfinishedError } from 'ffswarm'

const [input = 'film.mkv', output = 'film.mp4', params = '-c:v libx264 -preset fast'] = process.argv.slice(2)
const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')))

// FFSWARM_CONNECT names nodes that are not found by themselves: HOST:PORT, with commas between several.
const connect = process.env.FFSWARM_CONNECT?.split(',') ?? []
let node
try {
  node = await createNode({ name: 'example', connect, mdns: connect.length === 0 })
  const done = await node.encode(input, output, {
    params,
    peers: connect.length,
    overwrite: true,
    signal: interrupted.signal,
    onEvent(event) {
      if (event.event === 'peer') console.error(`${event.name}: ${event.state}`)
      if (event.event === 'progress') {
        console.error(`${event.frames} of ${event.total} frames, ${event.fps.toFixed(1)} a second`)
      }
    },
  })
  for (const { name, frames } of done.peers) console.log(`${name}: ${frames} frames`)
} catch (error) {
  if (!interrupted.signal.aborted && error.code === undefined) throw error
  // Each failure has a code, and words that say what to do.
  console.error(`${error.code ?? 'INTERRUPTED'}: ${error.message}`)
  if (error instanceof UnfinishedError) console.error(`the same again goes on with job ${error.job}`)
  process.exitCode = 1
} finally {
  await node?.stop()
}
