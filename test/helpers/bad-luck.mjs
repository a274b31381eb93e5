// Loaded before a node's program, it has bad luck when a test says so: a clock that is set, reads of results that go wrong.
import { readFileSync } from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_EVERY_MS = 100

function told(what) {
  try {
    return readFileSync(`${process.env.BAD_LUCK}.${what}`, 'utf8')
  } catch {
    return ''
  }
}

let aheadMs = 0
setInterval(() => {
  aheadMs = Number(told('clock'))
}, LOOK_EVERY_MS).unref()

const { now } = Date
Date.now = () => now() + aheadMs
globalThis.Date = new Proxy(Date, {
  construct: (Real, args) => (args.length === 0 ? new Real(Real.now()) : new Real(...args)),
})

const { open } = promises
// What is read to be sent is opened with 'r'; a file that its maker digests is opened otherwise.
promises.open = async (path, flags, ...more) => {
  const file = await open(path, flags, ...more)
  if (flags === 'r' && /\/work\/.*\.(mp4|mov)$/.test(path)) spoilReads(file)
  return file
}
syncBuiltinESMExports()

function spoilReads(file) {
  const read = file.read.bind(file)
  file.read = async (bytes, at, ...more) => {
    const result = await read(bytes, at, ...more)
    switch (told('reads')) {
      case 'flipped':
        if (result.bytesRead > 0) bytes[at] ^= 1
        break
      case 'short':
        return { ...result, bytesRead: 0 }
      case 'failing':
        throw Object.assign(new Error('the disk does not answer'), { code: 'EIO' })
      case 'stalled':
        while (told('reads') === 'stalled') await sleep(LOOK_EVERY_MS)
        break
    }
    return result
  }
}
