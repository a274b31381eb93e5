#!/usr/bin/env node
// An ffmpeg that cannot encode segments: any, or those that begin at a given time.
import { spawnSync } from 'node:child_process'

const args = process.argv.slice(2)
const isSegment = args.includes('-progress') && args.some((word) => /segment-|\/[0-9a-f]{16}\./.test(word))
const isMeant = args.some((word) => word.includes(process.env.BROKEN_SEGMENT ?? ''))
if (isSegment && isMeant) {
  process.stderr.write('[libx264 @ 0x1] the encoder is out of order\n')
  process.exit(1)
}
const { status, signal } = spawnSync(process.env.REAL_FFMPEG, args, { stdio: 'inherit' })
process.exit(signal === null ? status : 1)
