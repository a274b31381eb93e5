/** The directory of a live stream as players read it: segments first, then the playlist that names them, each whole or not at all. */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  codecsOf,
  type MediaPlaylist,
  mediaPlaylist,
  multivariantPlaylist,
  type PlaylistSegment,
} from '../../media/index.ts'

export interface HlsSettings {
  /** `sliding`: the newest segments alone are listed; `event`: all. */
  readonly kind: 'event' | 'sliding'
  /** How many are listed. */
  readonly listSize: number
  /** Whether segments that are not listed any more are removed. */
  readonly deletes: boolean
  readonly targetSeconds: number
}

export interface SegmentOnAir {
  /** Undefined: of a transport stream. */
  readonly header: Buffer | undefined
  readonly bytes: Buffer
  readonly seconds: number
  /** Milliseconds since 1970. */
  readonly takenInAt: number
  readonly isDiscontinuous: boolean
}

export interface StreamPicture {
  readonly width: number
  readonly height: number
  readonly framesPerSecond: number | undefined
}

/** Players that are behind still ask for what has just left the list. */
const KEPT_BEHIND = 3
const MEDIA_PLAYLIST = 'stream.m3u8'
const MASTER_PLAYLIST = 'index.m3u8'

export class HlsWriter {
  readonly #directory: string
  readonly #settings: HlsSettings
  readonly #picture: StreamPicture
  #segments: PlaylistSegment[] = []
  #unlisted: string[] = []
  #count = 0
  #mediaSequence = 0
  #discontinuitySequence = 0
  #header: { bytes: Buffer; uri: string } | undefined
  #peakBandwidth = 0
  #bits = 0
  #seconds = 0

  constructor(directory: string, settings: HlsSettings, picture: StreamPicture) {
    this.#directory = directory
    this.#settings = settings
    this.#picture = picture
  }

  async add(segment: SegmentOnAir): Promise<void> {
    const before = this.#header
    const header = segment.header === undefined ? undefined : await this.#storeHeader(segment.header)
    const isOther = before !== undefined && before.uri !== header
    const uri = `segment-${this.#count++}.${segment.header === undefined ? 'ts' : 'm4s'}`
    await this.#store(uri, segment.bytes)
    this.#segments.push({
      ...{
        uri,
        seconds: segment.seconds,
        mapUri: header,
        takenIn: new Date(segment.takenInAt).toISOString(),
      },
      isDiscontinuous: segment.isDiscontinuous || isOther,
    })
    const bits = segment.bytes.length * 8
    this.#bits += bits
    this.#seconds += segment.seconds
    const peak = bits / Math.max(segment.seconds, 0.1)
    const isMaster = this.#count === 1 || peak > this.#peakBandwidth * 1.25
    this.#peakBandwidth = Math.max(this.#peakBandwidth, peak)
    const gone = this.#slide()
    await this.#list(false)
    // Once it is known how much it is.
    if (isMaster) await this.#listAll(segment.header)
    for (const name of gone) await rm(join(this.#directory, name), { force: true })
  }

  /** No more comes: what is listed is the film. */
  async end(): Promise<void> {
    if (this.#count === 0) return
    await this.#list(true)
    await this.#listAll(this.#header?.bytes)
  }

  /** @returns names of files that nobody needs any more */
  #slide(): string[] {
    const { kind, listSize, deletes } = this.#settings
    if (kind === 'event') return []
    while (this.#segments.length > listSize) {
      const [left] = this.#segments.splice(0, 1)
      if (left === undefined) break
      this.#mediaSequence++
      // The tag that stands in front of the first one listed tells nothing: the number of those before does.
      const [first] = this.#segments
      if (first?.isDiscontinuous === true) this.#discontinuitySequence++
      this.#unlisted.push(left.uri)
    }
    return deletes ? this.#unlisted.splice(0, Math.max(0, this.#unlisted.length - KEPT_BEHIND)) : []
  }

  async #storeHeader(bytes: Buffer): Promise<string> {
    if (this.#header?.bytes.equals(bytes) === true) return this.#header.uri
    const uri = `init-${this.#count}.mp4`
    await this.#store(uri, bytes)
    this.#header = { bytes, uri }
    return uri
  }

  async #list(isEnded: boolean): Promise<void> {
    const { kind, targetSeconds } = this.#settings
    const [first, ...others] = this.#segments
    const list: MediaPlaylist = {
      ...{ targetSeconds, isEnded, kind: isEnded && kind === 'event' ? 'vod' : kind },
      mediaSequence: this.#mediaSequence,
      discontinuitySequence: this.#discontinuitySequence,
      segments: first === undefined ? [] : [{ ...first, isDiscontinuous: false }, ...others],
    }
    await this.#store(MEDIA_PLAYLIST, mediaPlaylist(list))
  }

  async #listAll(header: Buffer | undefined): Promise<void> {
    const averageBandwidth = this.#bits / Math.max(this.#seconds, 0.1)
    const codecs = header === undefined ? undefined : codecsOf(header)
    const rendition = { uri: MEDIA_PLAYLIST, peakBandwidth: this.#peakBandwidth, averageBandwidth, codecs }
    await this.#store(MASTER_PLAYLIST, multivariantPlaylist([{ ...rendition, ...this.#picture }]))
  }

  async #store(name: string, content: Buffer | string): Promise<void> {
    const partial = join(this.#directory, `.${name}.partial`)
    await writeFile(partial, content)
    await rename(partial, join(this.#directory, name))
  }
}

/** Makes the directory, and removes what an earlier stream left in it. */
export async function openStreamDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (const name of await readdir(directory)) {
    if (/^\.?(segment-\d+\.(m4s|ts)|init-\d+\.mp4|stream\.m3u8|index\.m3u8)(\.partial)?$/.test(name)) {
      await rm(join(directory, name), { force: true })
    }
  }
}
