/**
 * `npm run bench:sandbox`: what the sandbox costs a segment: the same one encoded inside and outside, in turn, by the program's own code.
 * Linux, with bubblewrap.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { encodeSegment, fileUrl } from '../dist/media/index.js'
import { filmPlan, segmentTask } from '../dist/node/coordinator/job.js'
import { SegmentPlan } from '../dist/node/coordinator/plan.js'
import { openSandbox } from '../dist/node/sandbox/index.js'
import { findTools } from '../scripts/support/media.mjs'
import { withLab } from '../scripts/support/swarm.mjs'
import { make720p } from './support/footage.mjs'
import { openJob } from './support/part.mjs'
import { median, say, table } from './support/report.mjs'

const RATIO_TARGET = 1.02

const { values: options } = parseArgs({
  options: {
    repetitions: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '10' },
    params: { type: 'string', default: '-c:v libx264 -preset fast -threads 1' },
  },
})

await withLab(async (lab) => {
  const located = await findTools()
  const path = await make720p(lab, located, {
    sceneSeconds: 5,
    noise: 5,
    keyframes: 250,
    seconds: Number(options.seconds),
  })
  const { signal } = new AbortController()
  const init = { needsLoopback: false, env: process.env, platform: process.platform, uid: process.getuid() }
  const ways = {
    outside: await openSandbox(located, { ...init, mode: 'off' }, { signal }),
    inside: await openSandbox(located, { ...init, mode: 'require' }, { signal }),
  }
  const job = await openJob(located, { path }, options.params, { directory: lab.directory })
  const plan = new SegmentPlan(filmPlan(job), { atKeyframes: false })
  const task = plan.carve({ first: 0, end: plan.totalFrames }, plan.totalFrames)
  const times = { outside: [], inside: [] }
  for (let count = 0; count < Number(options.repetitions); count++) {
    for (const [way, { tools }] of Object.entries(ways)) {
      const files = { inputUrl: fileUrl(path), outputPath: join(lab.directory, `${way}.${job.container}`) }
      const began = performance.now()
      const { cpuSeconds } = await encodeSegment(tools, segmentTask(job, task), files)
      times[way].push({ seconds: (performance.now() - began) / 1000, cpuSeconds })
    }
  }
  const of = (way, what) => median(times[way].map((time) => time[what]))
  say(
    table(
      ['', 'seconds', 'CPU seconds of ffmpeg'],
      Object.keys(times).map((way) => [way, of(way, 'seconds').toFixed(3), of(way, 'cpuSeconds').toFixed(2)]),
    ),
  )
  const ratio = of('inside', 'seconds') / of('outside', 'seconds')
  say(
    `\ninside, a segment of ${options.seconds} s takes ${ratio.toFixed(4)} of the time outside (target ${RATIO_TARGET}): ${ratio <= RATIO_TARGET ? 'met' : 'missed'}`,
  )
})
