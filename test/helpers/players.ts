/** What players show of a file: a browser and mpv, where this machine has them. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createReadStream, existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import '../../src/polyfill.ts'
import { ffmpeg } from './ffmpeg.ts'

export const CHROMIUM = findProgram('chromium', 'google-chrome')
export const MPV = findProgram('mpv')

const WIDTH = 80
const HEIGHT = 45
const SIZE = WIDTH * HEIGHT
// Of 255 levels. A browser that scales and converts colours in its own way is 8 away from FFmpeg in every whole picture.
const NEAR = 10

function findProgram(...names: string[]): string | undefined {
  const directories = (process.env.PATH ?? '').split(delimiter)
  return directories.flatMap((directory) => names.map((name) => join(directory, name))).find(existsSync)
}

/** Every frame as a small picture in grey, one byte a pixel. */
export async function smallPictures(path: string): Promise<Buffer[]> {
  const directory = await mkdtemp(join(tmpdir(), 'ffswarm-pictures-'))
  try {
    const raw = join(directory, 'frames.raw')
    const filters = `scale=${WIDTH}:${HEIGHT}:flags=area,format=gray`
    const output = ['-fps_mode', 'passthrough', '-vf', filters, '-f', 'rawvideo', raw]
    await ffmpeg('-i', path, '-map', '0:v:0', ...output)
    return pictures(await readFile(raw))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** What mpv's demuxer and decoder make of a file, from the start or from a seek. */
export async function playedByMpv(path: string, startSeconds = 0): Promise<Buffer[]> {
  const directory = await mkdtemp(join(tmpdir(), 'ffswarm-mpv-'))
  try {
    const raw = join(directory, 'frames.raw')
    const filters = `lavfi=[scale=${WIDTH}:${HEIGHT}:flags=area,format=gray]`
    const output = [`--o=${raw}`, '--of=rawvideo', '--ovc=rawvideo', `--vf=${filters}`]
    await promisify(execFile)(MPV ?? 'mpv', [
      ...['--no-config', '--no-audio', '--really-quiet', '--hr-seek=yes', `--start=${startSeconds}`],
      ...output,
      path,
    ])
    return pictures(await readFile(raw))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

export interface Played {
  /** `null`, or what the browser says about the file. */
  readonly error: string | null
  /** One for each time that was sought, as smallPictures gives them. */
  readonly sought: readonly Buffer[]
  /** What was shown in playing it. */
  readonly shown: readonly Buffer[]
  readonly ended: boolean
}

/** Seeks to each time in a browser, then plays the file from its start to its end. */
export async function playedByBrowser(path: string, times: readonly number[]): Promise<Played> {
  const told = Promise.withResolvers<Played>()
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      readAll(request).then((body) => told.resolve(toPlayed(body)), told.reject)
      response.end()
    } else if (request.url === '/film.mp4') {
      serveRange(path, request, response).catch(told.reject)
    } else {
      response.setHeader('content-type', 'text/html').end(page(times))
    }
  })
  return await inBrowser(server, told.promise)
}

/** Opens the server's page in a browser until what it tells has come. */
async function inBrowser<Told>(server: Server, told: Promise<Told>): Promise<Told> {
  const profile = await mkdtemp(join(tmpdir(), 'ffswarm-browser-'))
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {})
  let browser: ChildProcess | undefined
  try {
    const port = await listen(server)
    browser = spawn(
      CHROMIUM ?? 'chromium',
      [
        ...['--headless=new', '--no-sandbox', '--disable-gpu', '--mute-audio', '--no-first-run'],
        ...['--autoplay-policy=no-user-gesture-required', '--disable-background-networking'],
        ...[`--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`],
      ],
      { stdio: 'ignore' },
    )
    browser.once('error', broken.reject)
    browser.once('exit', (code) => broken.reject(new Error(`the browser has ended with ${code}`)))
    return await Promise.race([told, broken.promise])
  } finally {
    if (browser !== undefined && browser.exitCode === null) {
      const gone = new Promise((resolve) => browser?.once('exit', resolve))
      browser.kill('SIGKILL')
      await gone
    }
    server.closeAllConnections()
    server.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

export interface Watched {
  /** What the player said of errors that it could not get over. */
  readonly fatal: readonly string[]
  /** Wall seconds since the first picture, and the film's seconds since then. */
  readonly samples: readonly (readonly [wall: number, film: number])[]
}

/** Watches a stream in a browser for so long, by the script that its server has. @param url of the server, with a slash at its end */
export async function watchedByBrowser(url: string, seconds: number): Promise<Watched> {
  const told = Promise.withResolvers<Watched>()
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      readAll(request).then((body) => told.resolve(JSON.parse(body) as Watched), told.reject)
      response.end()
    } else response.setHeader('content-type', 'text/html').end(watchPage(url, seconds))
  })
  return await inBrowser(server, told.promise)
}

function watchPage(url: string, seconds: number): string {
  return `<!doctype html><video muted playsinline></video><script src="${url}player.js"></script><script>
const video = document.querySelector('video')
const fatal = [], samples = []
const player = new Hls({ liveSyncDurationCount: 2 })
player.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) fatal.push(data.details) })
player.loadSource('${url}index.m3u8')
player.attachMedia(video)
player.on(Hls.Events.MANIFEST_PARSED, () => video.play())
video.addEventListener('playing', () => {
  const [began, first] = [performance.now(), video.currentTime]
  const timer = setInterval(() => samples.push([(performance.now() - began) / 1000, video.currentTime - first]), 200)
  setTimeout(() => { clearInterval(timer); fetch('/', { method: 'POST', body: JSON.stringify({ fatal, samples }) }) }, ${seconds * 1000})
}, { once: true })
</script>`
}

/** Which frame of the film each picture is; -1: none, or a damaged one. */
export function placesIn(film: readonly Buffer[], shown: readonly Buffer[]): number[] {
  return shown.map((picture) => {
    const distances = film.map((one) => distance(one, picture))
    const least = Math.min(...distances)
    return least < NEAR ? distances.indexOf(least) : -1
  })
}

/** Mean difference of two pictures' pixels. */
function distance(one: Buffer, other: Buffer): number {
  let sum = 0
  for (let place = 0; place < SIZE; place++) sum += Math.abs((one[place] ?? 0) - (other[place] ?? 0))
  return sum / SIZE
}

function pictures(raw: Buffer): Buffer[] {
  return Array.from({ length: Math.floor(raw.length / SIZE) }, (_, place) =>
    raw.subarray(place * SIZE, (place + 1) * SIZE),
  )
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function serveRange(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { size } = await stat(path)
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  const start = Number(range?.[1] ?? 0)
  const end = range?.[2] ? Number(range[2]) : size - 1
  response.writeHead(range === null ? 200 : 206, {
    'content-type': 'video/mp4',
    'accept-ranges': 'bytes',
    'content-length': end - start + 1,
    ...(range === null ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
  })
  createReadStream(path, { start, end })
    .on('error', () => response.destroy())
    .pipe(response)
}

function toPlayed(body: string): Played {
  const { error, sought, shown, ended } = JSON.parse(body)
  const picture = (text: string) => Buffer.from(text, 'base64')
  return {
    error,
    sought: sought.map(picture),
    shown: shown.map(picture),
    ended,
  }
}

function page(times: readonly number[]): string {
  return `<!doctype html><video muted playsinline preload="auto"></video><script type="module">
const video = document.querySelector('video')
const canvas = new OffscreenCanvas(${WIDTH}, ${HEIGHT}).getContext('2d', { willReadFrequently: true })
canvas.imageSmoothingQuality = 'high'
function picture() {
  canvas.drawImage(video, 0, 0, ${WIDTH}, ${HEIGHT})
  const { data } = canvas.getImageData(0, 0, ${WIDTH}, ${HEIGHT})
  let text = ''
  for (let at = 0; at < data.length; at += 4) {
    // Grey of limited range, as the file has it.
    const grey = 16 + (219 / 255) * (0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2])
    text += String.fromCharCode(Math.round(grey))
  }
  return btoa(text)
}
const once = (name) => new Promise((resolve, reject) => {
  video.addEventListener(name, resolve, { once: true })
  video.addEventListener('error', () => reject(new Error(video.error?.message ?? 'error')), { once: true })
})
const sought = [], shown = []
let error = null, ended = false
try {
  video.src = '/film.mp4'
  await once('loadeddata')
  for (const time of ${JSON.stringify(times)}) {
    // The event may come before the picture does; none comes where it is there already.
    const drawn = new Promise((resolve) => {
      video.requestVideoFrameCallback(resolve)
      setTimeout(resolve, 2000)
    })
    const done = once('seeked')
    video.currentTime = time
    await done
    if (sought.length > 0) await drawn
    sought.push(picture())
  }
  const back = once('seeked')
  video.currentTime = 0
  await back
  const watch = () => {
    shown.push(picture())
    video.requestVideoFrameCallback(watch)
  }
  video.requestVideoFrameCallback(watch)
  const end = once('ended')
  await video.play()
  await end
  ended = true
} catch (reason) {
  error = String(reason)
}
await fetch('/', { method: 'POST', body: JSON.stringify({ error, sought, shown, ended }) })
</script>`
}
