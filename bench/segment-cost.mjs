/**
 * `npm run bench:segment-cost -- film.mkv`: what segments cost in size. Encodes a film whole at a few qualities and in
 * segments of several lengths and kinds of cut, each by the program's own code, and compares sizes at equal quality.
 *
 * What is measured is kept in a file, segment by segment: a run that was stopped goes on where it was.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { findTools } from '../scripts/support/media.mjs'
import { prepareClip } from './support/clip.mjs'
import { cutsAt } from './support/cuts.mjs'
import { encodePart, encodeTwoPass, openJob } from './support/part.mjs'
import { costAt, qualityOf, sumOf, underflow, variants } from './support/rate.mjs'
import { say, table } from './support/report.mjs'
import { openResults } from './support/results.mjs'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    params: { type: 'string', multiple: true, default: ['-c:v libx264 -preset fast -crf 23'] },
    lengths: { type: 'string', default: '2,5,10,20,30' },
    rules: { type: 'string', default: 'fixed,keyframes,scenes' },
    width: { type: 'string', default: '640' },
    'two-pass': { type: 'boolean', default: false },
    vmaf: { type: 'boolean', default: false },
    directory: { type: 'string', default: 'tmp/segment-cost' },
    json: { type: 'string' },
  },
})
if (positionals.length === 0) {
  say(
    'usage: npm run bench:segment-cost -- FILM… [--params="…"]… [--lengths 2,5,10] [--rules fixed,keyframes,scenes,swarm-4]',
  )
  process.exit(2)
}

const { directory } = options
await mkdir(directory, { recursive: true })
const tools = await findTools()
const results = await openResults(join(directory, 'segments.jsonl'))
const lengths = options.lengths
  .split(',')
  .filter((text) => text !== '')
  .map(Number)
const rules = options.rules.split(',')
say(`ffmpeg ${tools.version}, ${options.width} pixels wide, measured segments in ${directory}\n`)

const rows = []
for (const film of positionals) {
  const clip = await prepareClip(tools, film, { width: Number(options.width), directory })
  say(
    `${clip.name}: ${clip.frames} frames, ${clip.seconds.toFixed(1)} s, ${clip.places.keyframes.length} keyframes, ` +
      `${clip.places.scenes.length} changes of scene\n`,
  )
  for (const params of options.params) {
    const of = { clip, params }
    const curve = []
    for (const one of variants(params)) curve.push(await measure({ clip, params: one }, [clip.frames]))
    const whole = curve[(curve.length - 1) / 2]
    add({ ...of, rule: 'whole', length: undefined, ends: [clip.frames], result: whole, curve })
    if (options['two-pass'] && !params.includes('-crf')) {
      const key = { ...keyOf(of), passes: 2 }
      const twice = await results.once(key, () =>
        encodeTwoPass(tools, clip, params, { directory, vmaf: options.vmaf }),
      )
      add({
        ...of,
        rule: 'whole, two passes',
        length: undefined,
        ends: [clip.frames],
        result: sumOf([twice]),
        curve,
      })
    }
    for (const rule of rules) {
      for (const length of rule.startsWith('swarm') ? [undefined] : lengths) {
        if (length > clip.seconds * 0.75) continue
        const ends = cutsAt(rule, clip, length)
        if (ends.length > 1) add({ ...of, rule, length, ends, result: await measure(of, ends), curve })
      }
    }
    show(rows.filter((row) => row.clip === clip.name && row.params === params))
  }
}
if (options.json !== undefined) {
  await mkdir(dirname(options.json), { recursive: true })
  await writeFile(options.json, `${JSON.stringify({ ffmpeg: tools.version, rows }, undefined, 1)}\n`)
}

/** The film's parts that end there, encoded and measured, as one. */
async function measure({ clip, params }, ends) {
  const parts = []
  let job
  for (const [place, end] of ends.entries()) {
    const first = ends[place - 1] ?? 0
    const key = { ...keyOf({ clip, params }), first, end }
    parts.push(
      await results.once(key, async () => {
        job ??= await openJob(tools, clip, params, { directory })
        return encodePart(tools, job, clip, [first, end], { directory, vmaf: options.vmaf })
      }),
    )
  }
  return sumOf(parts)
}

function keyOf({ clip, params }) {
  return {
    ffmpeg: tools.version,
    clip: clip.name,
    width: clip.width,
    params,
    ...(options.vmaf ? { vmaf: true } : {}),
  }
}

function add({ clip, params, rule, length, ends, result, curve }) {
  const quality = qualityOf(result)
  const cost = Object.fromEntries(Object.keys(quality).map((name) => [name, costAt(curve, result, name)]))
  const vbv = underflow(params, result.sizes, clip.seconds / clip.frames)
  rows.push({
    clip: clip.name,
    params,
    rule,
    length,
    segments: ends.length,
    bytes: result.bytes,
    bytesMore: result.bytes / curve[(curve.length - 1) / 2].bytes - 1,
    ...quality,
    cost,
    ...(vbv === undefined ? {} : { vbv }),
  })
}

function show(shown) {
  const metrics = Object.keys(shown[0].cost)
  const hasVbv = shown.some(({ vbv }) => vbv !== undefined)
  say(`${shown[0].clip}, ${shown[0].params}\n`)
  say(
    table(
      [
        ...['cuts', 'seconds', 'segments', 'kB', 'size'],
        ...metrics,
        ...metrics.map((name) => `cost at equal ${name}`),
        ...(hasVbv ? ['VBV underflow'] : []),
      ],
      shown.map((row) => [
        ...[
          row.rule,
          `${row.length ?? ''}`,
          `${row.segments}`,
          (row.bytes / 1000).toFixed(0),
          percent(row.bytesMore),
        ],
        ...metrics.map((name) => row[name].toFixed(name === 'ssim' ? 5 : 3)),
        ...metrics.map((name) => percent(row.cost[name])),
        ...(hasVbv
          ? [row.vbv === undefined ? '' : `${row.vbv.frames} frames, ${percent(row.vbv.most)}`]
          : []),
      ]),
    ),
  )
  say('')
}

function percent(ratio) {
  return `${ratio < 0 ? '' : '+'}${(100 * ratio).toFixed(2)} %`
}
