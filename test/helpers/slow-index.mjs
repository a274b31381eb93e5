#!/usr/bin/env node
/** An ffprobe that takes its time over a file's packets behind the first hundreds, as over those of a very large file. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

const words = process.argv.slice(2)
const isIndex = words.some((word) => /^packet=pts,.*flags/.test(word))
const child = spawn(process.env.REAL_FFPROBE, words, {
  stdio: ['ignore', isIndex ? 'pipe' : 'inherit', 'inherit'],
})
child.on('close', (status) => {
  process.exitCode = status ?? 1
})
if (isIndex) {
  let lines = 0
  for await (const line of createInterface({ input: child.stdout })) {
    process.stdout.write(`${line}\n`)
    if (++lines === 400) await sleep(2_000)
  }
}
