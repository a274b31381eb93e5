/** Codecs as playlists name them (RFC 6381), from a movie's header. */

/** @returns such as `avc1.64001f,mp4a.40.2`; undefined where one of its tracks cannot be told */
export function codecsOf(header: Buffer): string | undefined {
  const names: string[] = []
  for (const at of placesOf(header, 'stsd')) {
    // Behind the box's name: version, count, then the first entry's size and name.
    const kind = header.toString('latin1', at + 16, at + 20)
    const entry = header.subarray(at + 12, at + 12 + header.readUInt32BE(at + 12))
    const name = nameOf(kind, entry)
    if (name === undefined) return undefined
    names.push(name)
  }
  return names.length === 0 ? undefined : names.join(',')
}

/** The same header for all of a stream: FFmpeg writes into each what it knows of the rates, which is that of one stretch. */
export function withoutBitRates(header: Buffer): Buffer {
  const plain = Buffer.from(header)
  // ISO/IEC 14496-12, 8.5.2: buffer size, most and average.
  for (const at of placesOf(plain, 'btrt')) plain.fill(0, at + 4, at + 16)
  for (const at of placesOf(plain, 'esds')) {
    const config = plain.subarray(at + 4, at - 4 + plain.readUInt32BE(at - 4))
    const behind = objectTypeAt(config)
    // Behind the object's type and its stream's: buffer size, most and average.
    if (behind !== undefined) config.fill(0, behind + 2, behind + 13)
  }
  return plain
}

function nameOf(kind: string, entry: Buffer): string | undefined {
  if (kind === 'avc1' || kind === 'avc3') {
    const config = contentOf(entry, 'avcC')
    return config === undefined ? undefined : `${kind}.${config.toString('hex', 1, 4)}`
  }
  if (kind === 'hvc1' || kind === 'hev1') {
    const config = contentOf(entry, 'hvcC')
    return config === undefined ? undefined : hevcName(kind, config)
  }
  if (kind === 'av01') {
    const config = contentOf(entry, 'av1C')
    return config === undefined ? undefined : av1Name(config)
  }
  if (kind === 'vp09') {
    const config = contentOf(entry, 'vpcC')
    if (config === undefined) return undefined
    const [profile = 0, level = 0, depth = 0] = [config[4], config[5], (config[6] ?? 0) >> 4]
    return `vp09.${two(profile)}.${two(level)}.${two(depth)}`
  }
  if (kind === 'mp4a') return mp4aName(contentOf(entry, 'esds'))
  return ['Opus', 'fLaC', 'ac-3', 'ec-3'].includes(kind) ? kind : undefined
}

/** ISO/IEC 14496-15, annex E. */
function hevcName(kind: string, config: Buffer): string {
  const head = config[1] ?? 0
  const space = ['', 'A', 'B', 'C'][head >> 6] ?? ''
  const compatible = config.readUInt32BE(2)
  let reversed = 0
  for (let bit = 0; bit < 32; bit++) if (compatible & (1 << bit)) reversed |= 1 << (31 - bit)
  const constraints = [...config.subarray(6, 12)]
  while (constraints.length > 1 && constraints.at(-1) === 0) constraints.pop()
  const tier = head & 0x20 ? 'H' : 'L'
  const words = [`${space}${head & 0x1f}`, (reversed >>> 0).toString(16), `${tier}${config[12] ?? 0}`]
  return [kind, ...words, ...constraints.map((byte) => byte.toString(16))].join('.')
}

/** AV1 in ISO base media, section 5. */
function av1Name(config: Buffer): string {
  const [first = 0, second = 0] = [config[1], config[2]]
  const depth = second & 0x40 ? (second & 0x20 ? 12 : 10) : 8
  return `av01.${first >> 5}.${two(first & 0x1f)}${second & 0x80 ? 'H' : 'M'}.${two(depth)}`
}

/** The object type, and of MPEG-4 audio its kind (ISO/IEC 14496-1, 7.2.6; 14496-3, 1.6.2). */
function mp4aName(config: Buffer | undefined): string | undefined {
  if (config === undefined) return undefined
  const behind = objectTypeAt(config)
  const objectType = behind === undefined ? undefined : config[behind]
  if (behind === undefined || objectType === undefined) return undefined
  if (objectType !== 0x40) return `mp4a.${objectType.toString(16)}`
  const tag = behind + 13
  if (config[tag] !== 0x05) return 'mp4a.40.2'
  return `mp4a.40.${(config[afterLength(config, tag + 1)] ?? 0x10) >> 3}`
}

/** Where the descriptor of the decoder's configuration has its object type. */
function objectTypeAt(config: Buffer): number | undefined {
  for (let at = 4; at + 2 < config.length; at++) {
    if (config[at] === 0x04) return afterLength(config, at + 1)
  }
  return undefined
}

/** A descriptor's length is written in seven bits a byte. */
function afterLength(config: Buffer, at: number): number {
  let place = at
  while ((config[place] ?? 0) & 0x80) place++
  return place + 1
}

function contentOf(entry: Buffer, name: string): Buffer | undefined {
  const [at] = placesOf(entry, name)
  return at === undefined ? undefined : entry.subarray(at + 4, at - 4 + entry.readUInt32BE(at - 4))
}

/** Where boxes' names stand. Names of boxes do not occur in what these boxes hold. */
function placesOf(bytes: Buffer, name: string): number[] {
  const places: number[] = []
  for (let at = bytes.indexOf(name, 4, 'latin1'); at >= 0; at = bytes.indexOf(name, at + 4, 'latin1'))
    places.push(at)
  return places
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
