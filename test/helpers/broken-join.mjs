#!/usr/bin/env node
// An ffmpeg that does as it is told but for the join: there it loses a frame, or finds that the disk has lost a bit.
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, readSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'

const args = process.argv.slice(2)
const list = args.find((word) => word.endsWith('segments.ffconcat'))
if (list !== undefined && process.env.BROKEN_JOIN === 'frame') {
  args.splice(args.indexOf('-map_metadata:s:0'), 0, '-bsf:v', 'noise=drop=eq(n\\,30)')
}
if (list !== undefined && process.env.BROKEN_JOIN === 'segment') {
  const directory = dirname(list.replace(/^file:/, ''))
  const segment = readdirSync(directory).find((name) => name.startsWith('segment-1-'))
  const file = openSync(join(directory, segment), 'r+')
  const byte = Buffer.alloc(1)
  readSync(file, byte, 0, 1, 5000)
  byte[0] ^= 1
  writeSync(file, byte, 0, 1, 5000)
  closeSync(file)
}
const { status, signal } = spawnSync(process.env.REAL_FFMPEG, args, { stdio: 'inherit' })
process.exit(signal === null ? status : 1)
