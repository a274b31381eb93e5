/** A film made ready for many encodes: a small lossless copy that can be read from any frame, and its cheap places. */
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { execa } from 'execa'
import { probe, readFrameIndex } from '../../dist/media/index.js'

// As FFmpeg's documentation of `select` has it: most cuts are over 0.3, most movement is under it.
const SCENE_SCORE = 0.3

/**
 * @returns `path` of the copy; its `frames`, `seconds` and `pts`; and `places`, the numbers of the frames that the
 * source's encoder made keyframes, and that begin a scene
 */
export async function prepareClip(tools, film, { width, directory }) {
  const name = basename(film)
  const path = join(directory, `${name}-${width}.mp4`)
  const source = await probe(tools.ffprobe, film)
  if (!(await exists(path))) {
    const scale = ['-vf', `scale=${width}:-2:flags=bicubic,format=yuv420p`]
    const lossless = ['-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '0', '-g', '1']
    await execa(tools.ffmpeg.path, [
      ...['-v', 'error', '-nostdin', '-y', '-i', film, '-map', `0:${source.video.index}`],
      ...[...scale, ...lossless, '-fps_mode', 'passthrough', `${path}.part.mp4`],
    ])
    await execa('mv', [`${path}.part.mp4`, path])
  }
  const original = await readFrameIndex(tools, source)
  const copy = await readFrameIndex(tools, await probe(tools.ffprobe, path))
  if (original.pts.length !== copy.pts.length) throw new Error(`${film}: its copy has other frames`)
  const keyframes = placesOf(original.pts, original.keyframes)
  const scenes = placesOf(copy.pts, await findScenes(tools, path))
  const seconds = Number(copy.pts.at(-1) - copy.pts[0]) * (copy.timeBase.num / copy.timeBase.den)
  const frames = copy.pts.length
  return {
    ...{ name, path, width, frames, pts: copy.pts },
    seconds: (seconds * frames) / (frames - 1),
    places: { keyframes, scenes },
    /** Seconds at which a seek finds a frame: a little before it, as keyframes are found at or before. */
    seek: (place) => (Number(copy.pts[place]) * copy.timeBase.num) / copy.timeBase.den,
  }
}

async function findScenes(tools, path) {
  const { stdout } = await execa(tools.ffmpeg.path, [
    ...['-v', 'error', '-nostdin', '-copyts', '-i', path],
    ...['-vf', `select=gt(scene\\,${SCENE_SCORE}),metadata=print:file=-`, '-f', 'null', '-'],
  ])
  return [...stdout.matchAll(/ pts:(\d+)/g)].map(([, pts]) => BigInt(pts))
}

function placesOf(pts, times) {
  const places = new Map([...pts].map((time, place) => [time, place]))
  return [...times].flatMap((time) => places.get(time) ?? [])
}

async function exists(path) {
  return stat(path).then(
    () => true,
    () => false,
  )
}
