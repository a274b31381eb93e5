/** Test clips, and what a file holds, by the same ffmpeg and ffprobe that ffswarm uses. */
import { join } from 'node:path'
import { locateTools, readCapabilities } from '../../dist/media/index.js'
import { dataDir } from '../../dist/node/data-dir.js'

/** The programs that ffswarm finds here. */
export async function findTools() {
  const { env, platform, arch } = process
  const tools = await locateTools({ env, platform, arch, cacheDir: join(dataDir(env), 'bin') })
  const { version, videoEncoders } = await readCapabilities(tools.ffmpeg)
  return { ...tools, version, videoEncoders }
}

/**
 * A clip that no encoder finds too easy: moving patterns with a cut every `sceneSeconds`, film grain, and a tone.
 *
 * @returns ffmpeg's arguments
 */
export function clipArguments(path, { seconds, sceneSeconds, width, height, rate = 30, noise = 12, video }) {
  const count = Math.ceil(seconds / sceneSeconds)
  const sources = Array.from({ length: count }, (_, place) => {
    const length = Math.min(sceneSeconds, seconds - place * sceneSeconds)
    const common = `size=${width}x${height}:rate=${rate}`
    const scene = [
      `testsrc2=${common}`,
      `life=size=320x180:rate=${rate}:mold=10:ratio=0.15:random_seed=${7 + place}:life_color=0x30c060:death_color=0x803020,scale=${width}:${height}:flags=neighbor`,
      `gradients=${common}:speed=0.02:seed=${7 + place}`,
      `smptehdbars=${common},rotate=t/3`,
    ][place % 4]
    return `${scene},trim=duration=${length},setpts=PTS-STARTPTS,format=yuv420p,setsar=1[s${place}]`
  })
  const labels = sources.map((_, place) => `[s${place}]`).join('')
  const graph = [
    ...sources,
    `${labels}concat=n=${count}:v=1,fps=${rate},noise=alls=${noise}:allf=t:all_seed=1[v]`,
  ].join(';')
  return [
    ...['-v', 'error', '-nostdin', '-y', '-filter_complex', graph],
    ...['-f', 'lavfi', '-i', `sine=frequency=440:beep_factor=4:duration=${seconds}`],
    ...['-map', '[v]', '-map', '0:a', ...video, '-c:a', 'aac', '-t', `${seconds}`, path],
  ]
}

/** The times of a file's video frames, ascending, in the stream's ticks, and their number when decoded. */
export async function readFrames(lab, tools, path) {
  const pts = []
  await lab.run(
    [
      ...[tools.ffprobe.path, '-v', 'error', '-select_streams', 'v:0', '-of', 'csv=p=0'],
      ...['-show_entries', 'packet=pts', path],
    ],
    { onLine: (line) => pts.push(Number.parseInt(line, 10)) },
  )
  let decoded = 0
  await lab.run(
    [
      ...[tools.ffmpeg.path, '-v', 'error', '-nostdin', '-i', path, '-map', '0:v:0'],
      ...['-fps_mode', 'passthrough', '-f', 'null', '-progress', 'pipe:1', '-nostats', '-'],
    ],
    {
      onLine(line) {
        const frame = /^frame=(\d+)/.exec(line)
        if (frame !== null) decoded = Number(frame[1])
      },
    },
  )
  return { pts: pts.sort((a, b) => a - b), decoded }
}
