/**
 * `npm run demo`: three nodes on this machine encode a clip made on the spot; the result is compared with what one
 * plain ffmpeg makes of it. Ends with exit code 0 only if every frame is where it belongs.
 */
import { mkdir } from 'node:fs/promises'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { clipArguments, findTools, readFrames } from './support/media.mjs'
import { Failed, withLab } from './support/swarm.mjs'

const OUTPUT = fileURLToPath(new URL('../demo-output/', import.meta.url))
const SECONDS = 24
const SCENE_SECONDS = 4

const shown = (path) => relative(process.cwd(), path)
const say = (text) => void process.stdout.write(`${text}\n`)
const isTerminal = process.stdout.isTTY === true

await withLab(async (lab) => {
  const tools = await findTools()
  say(`ffswarm demo, with ffmpeg ${tools.version} (${tools.ffmpeg.originName})\n`)
  await mkdir(OUTPUT, { recursive: true })
  const clip = `${OUTPUT}clip.mp4`
  const result = `${OUTPUT}swarm.mp4`
  const reference = `${OUTPUT}single.mp4`
  const isX264 = tools.videoEncoders.includes('libx264')
  const video = isX264 ? ['-c:v', 'libx264', '-preset', 'veryfast'] : ['-c:v', 'mpeg4', '-q:v', '4']

  const made = await step(
    `1. make a clip: ${SECONDS} s, 1280x720, a scene change every ${SCENE_SECONDS} s`,
    () => {
      const codec = isX264 ? ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '23', '-g', '60'] : video
      const shape = { seconds: SECONDS, sceneSeconds: SCENE_SECONDS, width: 1280, height: 720, noise: 6 }
      return lab.run([tools.ffmpeg.path, ...clipArguments(clip, { ...shape, video: codec })])
    },
  )

  const nodes = []
  await step('2. start two nodes, "anna" and "bert" (loopback only)', async () => {
    const anna = await lab.join('anna')
    const bert = await lab.join('bert', { connect: [anna.address] })
    nodes.push(anna, bert)
  })

  const swarm = await step('3. encode the clip with both of them and this node', () =>
    lab.encode([clip, '-o', result, '-y', '--params', video.join(' '), '--peers', '2', '--local'], {
      connect: nodes.map(({ address }) => address),
      onEvent: showProgress,
    }),
  )
  const segments = swarm.value.segments.length
  say(
    `   ${segments} segments, sent ${megabytes(swarm.value.bytesSent)}, received ${megabytes(swarm.value.bytesReceived)}`,
  )
  for (const { name, frames, segments: count, encodeSeconds } of swarm.value.peers) {
    const share = Math.round((frames / swarm.value.frames) * 100)
    say(
      `   ${name.padEnd(10)} ${count} segments, ${share} % of the frames, ${encodeSeconds.toFixed(1)} s of encoding`,
    )
  }

  const single = await step('4. encode it again with one plain ffmpeg', () =>
    lab.run([
      ...[tools.ffmpeg.path, '-v', 'error', '-nostdin', '-y', '-i', clip],
      ...['-map', '0', ...video, '-c:a', 'copy', reference],
    ]),
  )

  const check = await step('5. compare the two', async () => ({
    source: await readFrames(lab, tools, clip),
    swarm: await readFrames(lab, tools, result),
    single: await readFrames(lab, tools, reference),
  }))
  const { source, swarm: ours, single: theirs } = check.value
  const verdicts = [
    [
      `frames in the file: ${ours.pts.length}, source ${source.pts.length}, plain ffmpeg ${theirs.pts.length}`,
      ours.pts.length === theirs.pts.length && ours.pts.length === source.pts.length,
    ],
    [
      `frames decoded:     ${ours.decoded}, source ${source.decoded}, plain ffmpeg ${theirs.decoded}`,
      ours.decoded === theirs.decoded && ours.decoded === source.decoded && ours.decoded > 0,
    ],
    [
      "every frame's timestamp equals plain ffmpeg's",
      ours.pts.length === theirs.pts.length && ours.pts.every((pts, place) => pts === theirs.pts[place]),
    ],
    ['all three nodes have worked', swarm.value.peers.filter(({ segments }) => segments > 0).length === 3],
  ]
  for (const [text, good] of verdicts) say(`   ${good ? 'ok   ' : 'WRONG'} ${text}`)

  say(`
The encoded file:  ${shown(result)}
For comparison:    ${shown(reference)} (plain ffmpeg), ${shown(clip)} (the source)

Here the three nodes share one machine's cores, so look at the check, not at the time (swarm ${swarm.seconds.toFixed(1)} s,
plain ffmpeg ${single.seconds.toFixed(1)} s, making the clip ${made.seconds.toFixed(1)} s). On machines of your own: see "Quick start" in README.md.`)
  const wrong = verdicts.filter(([, good]) => !good)
  if (wrong.length > 0)
    throw new Failed(`The check has failed: ${wrong.map(([text]) => text.trim()).join('; ')}`)
})

/** Says what is being done, does it, says how long it took. */
async function step(title, act) {
  if (isTerminal) process.stdout.write(title)
  else say(title)
  const began = performance.now()
  const value = await act()
  const seconds = (performance.now() - began) / 1000
  say(isTerminal ? `\r\x1b[2K${title}: ${seconds.toFixed(1)} s` : `   ${seconds.toFixed(1)} s`)
  return { value, seconds }
}

function showProgress(event) {
  if (event.event !== 'progress' || !isTerminal) return
  process.stdout.write(`\r\x1b[2K   ${event.frames}/${event.total} frames, ${event.fps.toFixed(0)} a second`)
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
