#!/usr/bin/env node
/** An ffmpeg whose x265 and x264 make other parameter sets than those of the same params elsewhere: another build. */
import { spawnSync } from 'node:child_process'

const words = process.argv.slice(2).map((word) => word.replace('ctu=32', 'ctu=16').replace('ref=1', 'ref=3'))
const { status } = spawnSync(process.env.REAL_FFMPEG, words, { stdio: 'inherit' })
process.exit(status ?? 1)
