/** Footage for benches that are given none. */
import { join } from 'node:path'
import { clipArguments } from '../../scripts/support/media.mjs'

/**
 * A clip of 720p in H.264, in the lab's directory.
 *
 * @param {object} shape as of `clipArguments`; `keyframes`: the most frames from one keyframe to the next
 * @returns its path
 */
export async function make720p(lab, { ffmpeg }, { keyframes, ...shape }) {
  const path = join(lab.directory, 'clip.mp4')
  const video = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-g', `${keyframes}`]
  await lab.run([ffmpeg.path, ...clipArguments(path, { width: 1280, height: 720, ...shape, video })])
  return path
}
