/** The look at pictures that peers send: no honest one is suspected, whatever the film and the params, and no other film passes for it. */
import '../helpers/fast-tools.ts'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { encodeSegment, fileUrl } from '../../src/media/index.ts'
import { Audit, type AuditedSegment } from '../../src/node/coordinator/audit.ts'
import { filmPlan, type Job, segmentTask } from '../../src/node/coordinator/job.ts'
import { SegmentPlan, type Task } from '../../src/node/coordinator/plan.ts'
import {
  allIntra,
  anamorphic,
  bPyramid,
  type Clip,
  clipIn,
  editList,
  fullRange,
  hdr10,
  hlg,
  interlacedMpeg2,
  intraRefresh,
  lateVideoTs,
  mpeg4Avi,
  offsetTs,
  openGop264,
  openGop265,
  rotated,
  variableRateMkv,
  whyNotMade,
} from '../helpers/clips.ts'
import { useDirectory } from '../helpers/exactness.ts'
import { ffmpeg, tools } from '../helpers/ffmpeg.ts'
import { preparedJob } from '../helpers/segments.ts'
import { slug } from '../helpers/slug.ts'

const directory = useDirectory()
const { signal } = new AbortController()
const FAST = '-c:v libx264 -preset ultrafast'

interface Made {
  readonly job: Job
  readonly plan: SegmentPlan
  readonly segments: readonly { task: Task; path: string; inspected: AuditedSegment['inspected'] }[]
}

/** Segments as an honest peer makes them, or of a job with other params, in their place. */
async function make(
  inputPath: string,
  params: string,
  others?: { inputPath?: string; params: string },
): Promise<Made> {
  const request = { inputPath, outputPath: 'out.mkv', params }
  const job = await preparedJob(request, directory())
  const made = others === undefined ? job : await preparedJob({ ...request, ...others }, directory())
  const plan = new SegmentPlan(filmPlan(job), { atKeyframes: false })
  const end = plan.totalFrames
  const segments: Made['segments'][number][] = []
  for (let first = 0; first < end; ) {
    const task = plan.carve({ first, end }, 40)
    first += task.frames
    const path = join(
      directory(),
      `${slug(`${inputPath} ${params} ${others?.params}`).slice(-60)}-${task.index}.${job.container}`,
    )
    const { inspected } = await encodeSegment(tools, segmentTask(made, task), {
      inputUrl: fileUrl(made.source.path),
      outputPath: path,
    })
    segments.push({ task, path, inspected })
  }
  return { job, plan, segments }
}

function auditOf({ job, plan }: Made, random = () => 0.5): Audit {
  return new Audit({ tools, job, plan, directory: directory(), now: () => performance.now() / 1000, random })
}

/** What is said of a segment by an audit that sees it for the first time, of the first and of the last. */
async function verdicts(made: Made): Promise<string[]> {
  const said: string[] = []
  // Where the film begins, and as far in as there is: what lies between is as the latter.
  const places = [
    { segment: made.segments[0], place: 0 },
    { segment: made.segments.at(-1), place: 0.999 },
  ]
  for (const { segment, place } of places) {
    if (segment === undefined) continue
    const looking = auditOf(made, () => place).look(
      { ...segment, peer: 'a', isLocal: false, seconds: 1 },
      { signal },
    )
    said.push(
      await looking.then(
        () => 'fine',
        (error: unknown) => String(error),
      ),
    )
  }
  return said
}

const HONEST: readonly { clip: Clip; params: string }[] = [
  { clip: bPyramid, params: FAST },
  { clip: bPyramid, params: `${FAST} -crf 51` },
  { clip: bPyramid, params: '-c:v libx265 -preset ultrafast -crf 45 -x265-params log-level=error' },
  { clip: bPyramid, params: '-c:v libsvtav1 -preset 12 -crf 63' },
  { clip: bPyramid, params: `${FAST} -crf 51 -vf scale=64:36` },
  { clip: bPyramid, params: `${FAST} -b:v 5k -maxrate 5k -bufsize 5k` },
  { clip: bPyramid, params: `${FAST} -pix_fmt gray` },
  { clip: bPyramid, params: `${FAST} -vf negate` },
  { clip: bPyramid, params: `${FAST} -vf scale=96:-2,hqdn3d` },
  { clip: bPyramid, params: `${FAST} -vf crop=100:60,hue=s=0` },
  { clip: bPyramid, params: `${FAST} -vf fade=t=in:st=0:d=1,fade=t=out:st=2:d=1` },
  { clip: bPyramid, params: `${FAST} -pix_fmt yuv444p` },
  { clip: bPyramid, params: `${FAST} -ss 0.5 -t 2` },
  { clip: bPyramid, params: `${FAST} -vf noise=alls=40:allf=t` },
  { clip: interlacedMpeg2, params: `${FAST} -vf bwdif` },
  { clip: openGop264, params: FAST },
  { clip: openGop265, params: FAST },
  { clip: variableRateMkv, params: FAST },
  { clip: editList, params: FAST },
  { clip: offsetTs, params: FAST },
  { clip: lateVideoTs, params: FAST },
  { clip: rotated, params: FAST },
  { clip: anamorphic, params: FAST },
  { clip: hdr10, params: `${FAST} -pix_fmt yuv420p10le` },
  { clip: hlg, params: FAST },
  { clip: fullRange, params: FAST },
  { clip: allIntra, params: FAST },
  { clip: intraRefresh, params: FAST },
  { clip: mpeg4Avi, params: FAST },
]

describe('an honest peer is not suspected', () => {
  test.for(HONEST)('$clip.name: $params', async ({ clip, params }, { skip }) => {
    const why = await whyNotMade(clip)
    if (why !== undefined) skip(why)
    const made = await make(await clipIn(directory(), clip), params)
    const said = await verdicts(made)
    expect(said).toHaveLength(2)
    expect(new Set(said)).toEqual(new Set(['fine']))
  })
})

const FALSE = [
  ['upside down', `${FAST} -vf vflip`],
  ['mirrored', `${FAST} -vf hflip`],
  ['black', `${FAST} -vf drawbox=t=fill:color=black`],
  ['without colours', `${FAST} -vf hue=s=0`],
  ['negative', `${FAST} -vf negate`],
  ['with a box in them', `${FAST} -vf drawbox=x=20:y=20:w=90:h=60:t=fill:color=white`],
  ['a third of a picture beside', `${FAST} -vf crop=128:108:64:0,scale=192:108`],
  ['lighter', `${FAST} -vf eq=brightness=0.2`],
] as const

describe('pictures of a peer are seen to be others', () => {
  test.each(FALSE)('%s', async (_, params) => {
    const made = await make(await clipIn(directory(), bPyramid), FAST, { params })
    for (const verdict of await verdicts(made)) expect(verdict).toMatch(/not the source's/)
  })

  test('of a source that cannot be sought in', async () => {
    const made = await make(await clipIn(directory(), mpeg4Avi), FAST, { params: `${FAST} -vf vflip` })
    expect(made.job.index.seekable).toBe(false)
    for (const verdict of await verdicts(made)) expect(verdict).toMatch(/not the source's/)
  })

  test('each that of the frame after it', async () => {
    const source = await clipIn(directory(), bPyramid)
    const later = join(directory(), 'later.mp4')
    const shift = 'trim=start_frame=1,setpts=PTS-STARTPTS,tpad=stop=1:stop_mode=clone'
    await ffmpeg('-i', source, '-vf', shift, '-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '0', later)
    const made = await make(source, FAST, { inputPath: later, params: FAST })
    for (const verdict of await verdicts(made)) expect(verdict).toMatch(/not the source's.*misplaced/s)
  })

  test('bytes that no decoder understands', async () => {
    const made = await make(await clipIn(directory(), bPyramid), FAST)
    const [segment] = made.segments
    if (segment === undefined) throw new Error('there are segments')
    const bytes = await readFile(segment.path)
    await writeFile(
      segment.path,
      bytes.fill(0x5a, Math.floor(bytes.length * 0.2), Math.floor(bytes.length * 0.9)),
    )
    const looking = auditOf(made).look({ ...segment, peer: 'a', isLocal: false, seconds: 1 }, { signal })
    await expect(looking).rejects.toMatchObject({ code: 'SEGMENT_PICTURES' })
  })
})

describe('two opinions', () => {
  async function opinions() {
    const source = await clipIn(directory(), bPyramid)
    const [right, wrong] = [
      await make(source, FAST),
      await make(source, FAST, { params: `${FAST} -vf vflip` }),
    ]
    const [honest, false_] = [right.segments[0], wrong.segments[0]]
    if (honest === undefined || false_ === undefined) throw new Error('there are segments')
    // The same task to the audit.
    const lie = { ...false_, task: honest.task }
    return { audit: auditOf(right), honest, lie }
  }
  const by = (peer: string, isLocal = false) => ({ peer, isLocal, seconds: 1 })
  const SUSPECTED = { code: 'SEGMENT_PICTURES' }

  test('convict whoever sent others than are the source’s', async () => {
    const { audit, honest, lie } = await opinions()
    await expect(audit.look({ ...lie, ...by('liar') }, { signal })).rejects.toMatchObject(SUSPECTED)
    await expect(audit.look({ ...lie, ...by('friend') }, { signal })).rejects.toMatchObject(SUSPECTED)
    expect(await audit.look({ ...honest, ...by('honest') }, { signal })).toEqual(['liar', 'friend'])
  })

  test('of one peer convict nobody: it may have been an accident', async () => {
    const { audit, honest, lie } = await opinions()
    await expect(audit.look({ ...lie, ...by('one') }, { signal })).rejects.toMatchObject(SUSPECTED)
    expect(await audit.look({ ...honest, ...by('one') }, { signal })).toEqual([])
  })

  test('that agree, one of them this node’s, end the looking', async () => {
    const { audit, lie } = await opinions()
    await expect(audit.look({ ...lie, ...by('one') }, { signal })).rejects.toMatchObject(SUSPECTED)
    expect(await audit.look({ ...lie, ...by('here', true) }, { signal })).toEqual([])
    expect(await audit.look({ ...lie, ...by('one') }, { signal })).toEqual([])
    expect(await audit.look({ ...lie, ...by('new') }, { signal })).toEqual([])
  })

  test('are wanted of all that a peer sends until a look at it has come to its end, and was good', async () => {
    const { audit, honest, lie } = await opinions()
    // Somebody else was sooner.
    const over = AbortSignal.abort(new Error('needless'))
    await expect(audit.look({ ...lie, ...by('liar') }, { signal: over })).rejects.toThrow('needless')
    await expect(audit.look({ ...lie, ...by('liar') }, { signal })).rejects.toMatchObject(SUSPECTED)
    await expect(audit.look({ ...lie, ...by('liar') }, { signal })).rejects.toMatchObject(SUSPECTED)
    expect(await audit.look({ ...honest, ...by('liar') }, { signal })).toEqual([])
    expect(await audit.look({ ...lie, ...by('liar') }, { signal })).toEqual([])
  })

  test('are not asked for of everything: by chance, as the work allows', async () => {
    const { audit, honest, lie } = await opinions()
    expect(await audit.look({ ...honest, ...by('one') }, { signal })).toEqual([])
    // Known by now, and a second of work is not worth another look.
    expect(await audit.look({ ...lie, ...by('one') }, { signal })).toEqual([])
    const long = { ...lie, ...by('one'), seconds: 10_000 }
    await expect(audit.look(long, { signal })).rejects.toMatchObject(SUSPECTED)
  })
})
