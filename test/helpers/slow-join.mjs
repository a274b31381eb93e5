#!/usr/bin/env node
// An ffmpeg whose first join ends when a segment is encoded meanwhile, or after half a minute without one.
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const args = process.argv.slice(2)
const { REAL_FFMPEG, MARKS } = process.env
const [joining, met] = [join(MARKS, 'joining'), join(MARKS, 'met')]
const isJoin = args.some((word) => word.endsWith('segments.ffconcat'))
const isSegment = args.includes('-progress') && args.some((word) => /segment-\d/.test(word))
if (isSegment && existsSync(joining)) writeFileSync(met, '')
if (isJoin && !existsSync(joining)) {
  writeFileSync(joining, '')
  const until = Date.now() + 30_000
  while (!existsSync(met) && Date.now() < until)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
}
const { status, signal } = spawnSync(REAL_FFMPEG, args, { stdio: 'inherit' })
process.exit(signal === null ? status : 1)
