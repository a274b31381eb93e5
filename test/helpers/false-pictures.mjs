#!/usr/bin/env node
/**
 * An ffmpeg that encodes the pictures of segments (and what a node makes of them to compare) upside down: those with `FALSE_WHEN` in a word of their command, or all. Everything else
 * about them is right.
 */
import { spawnSync } from 'node:child_process'

const { REAL_FFMPEG = 'ffmpeg', FALSE_WHEN = '' } = process.env
const words = process.argv.slice(2)
const isSegment =
  words.includes('-progress') && words.some((word) => /segment-|own-|\/[0-9a-f]{16}\./.test(word))
const isMeant = words.some((word) => word.includes(FALSE_WHEN))
const at = words.indexOf('-filter:v')
if (isSegment && isMeant) {
  if (at >= 0) words[at + 1] = `${words[at + 1]},vflip`
  else words.splice(words.indexOf('-fps_mode:v'), 0, '-filter:v', 'vflip')
}
const { status, signal } = spawnSync(REAL_FFMPEG, words, { stdio: 'inherit' })
if (signal !== null) process.kill(process.pid, signal)
process.exit(status ?? 1)
