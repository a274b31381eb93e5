/**
 * Imported first, it has a file's nodes use the FFmpeg of the npm packages where there is one: what is about nodes is the same with any, and
 * this one starts in a third of the time that a system's takes with its two hundred libraries.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { locateTools } from '../../src/media/index.ts'

if (process.env.FFSWARM_FFMPEG === undefined && process.env.FFSWARM_FFPROBE === undefined) {
  const { platform, arch } = process
  const cacheDir = join(tmpdir(), 'ffswarm-test-tools')
  const packaged = await locateTools({ env: { PATH: '' }, platform, arch, cacheDir }).catch(() => undefined)
  if (packaged !== undefined) {
    process.env.FFSWARM_FFMPEG = packaged.ffmpeg.path
    process.env.FFSWARM_FFPROBE = packaged.ffprobe.path
  }
}
