/** One stretch of a clip, encoded by the program's own code and measured against the clip itself. */
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { encodeSegment, fileUrl } from '../../dist/media/index.js'
import { filmPlan, prepareJob, segmentTask } from '../../dist/node/coordinator/job.js'
import { SegmentPlan } from '../../dist/node/coordinator/plan.js'

export async function openJob(tools, clip, params, { directory }) {
  const request = { inputPath: clip.path, outputPath: 'out.mkv', params }
  return prepareJob({ tools }, request, { signal: new AbortController().signal, scratchDir: directory })
}

/**
 * The frames `[first, end)` as one segment.
 *
 * @returns its frames, the bytes of its packets in decode order, and its quality
 */
export async function encodePart(tools, job, clip, [first, end], { directory, vmaf }) {
  // The film of these frames alone is one segment, wherever else the program would cut.
  const film = { ...job.film, pts: job.film.untrimmed.subarray(first, end), first }
  const plan = new SegmentPlan({ ...filmPlan(job), film }, { atKeyframes: false })
  const task = plan.carve({ first: 0, end: end - first }, end - first)
  const path = join(directory, `part-${process.pid}.${job.container}`)
  await encodeSegment(tools, segmentTask(job, task), { inputUrl: fileUrl(clip.path), outputPath: path })
  return measurePart(tools, clip, path, [first, end], { vmaf })
}

/** The whole clip by plain ffmpeg in two passes: what segments by themselves cannot have. */
export async function encodeTwoPass(tools, clip, params, { directory, vmaf }) {
  const path = join(directory, `two-pass-${process.pid}.mp4`)
  for (const pass of ['1', '2']) {
    await execa(tools.ffmpeg.path, [
      ...['-v', 'error', '-nostdin', '-y', '-i', clip.path, ...params.split(' '), '-pass', pass],
      ...[
        '-passlogfile',
        join(directory, `two-pass-${process.pid}`),
        '-fps_mode',
        'passthrough',
        '-f',
        'mp4',
        path,
      ],
    ])
  }
  return measurePart(tools, clip, path, [0, clip.frames], { vmaf })
}

async function measurePart(tools, clip, path, [first, end], { vmaf }) {
  const { stdout } = await execa(
    tools.ffprobe.path,
    ['-v', 'error', '-show_entries', 'packet=pos,size', '-of', 'json', path],
    { env: tools.ffprobe.env },
  )
  const { packets } = JSON.parse(stdout)
  if (packets.length !== end - first) throw new Error(`${packets.length} frames instead of ${end - first}`)
  const quality = await compare(tools, clip, path, [first, end], { vmaf })
  const textBytes = await findText(path, packets[0])
  await rm(path)
  return { frames: packets.length, textBytes, sizes: packets.map(({ size }) => Number(size)), ...quality }
}

/** The bytes of the message in which x264 writes its settings into the first frame: much in a small picture. */
async function findText(path, { pos, size }) {
  const file = await open(path)
  try {
    const { buffer } = await file.read(Buffer.alloc(Number(size)), 0, Number(size), Number(pos))
    const text = buffer.indexOf('x264 - core')
    // Behind a UUID of 16 bytes, in a NAL unit whose length takes 4.
    for (let at = 0; text >= 0 && at < text; at += 4 + buffer.readUInt32BE(at)) {
      const end = at + 4 + buffer.readUInt32BE(at)
      if (text < end) return end - at
    }
    return 0
  } finally {
    await file.close()
  }
}

/** Whole-picture PSNR (of the mean square error) and mean SSIM of the part's frames. */
async function compare(tools, clip, path, [first, end], { vmaf }) {
  const number = 'settb=1/1000,setpts=N'
  const metrics = ['psnr', 'ssim', ...(vmaf ? ['libvmaf'] : [])]
  const split = (name) => `split=${metrics.length}${metrics.map((metric) => `[${name}${metric}]`).join('')}`
  const graph = [
    `[0:v]${number},${split('a')}`,
    `[1:v]trim=start_pts=${clip.pts[first]}${end < clip.frames ? `:end_pts=${clip.pts[end]}` : ''},${number},${split('b')}`,
    ...metrics.map((metric) => `[a${metric}][b${metric}]${metric}=shortest=1`),
  ].join(';')
  // The copy is all keyframes: the seek lands at or just before the wanted one.
  const seek = first === 0 ? [] : ['-noaccurate_seek', '-seek_timestamp', '1', '-ss', `${clip.seek(first)}`]
  const { stderr } = await execa('nice', [
    ...['-n', '19', tools.ffmpeg.path, '-v', 'info', '-hide_banner', '-nostats', '-nostdin'],
    ...['-i', path, '-copyts', ...seek, '-i', clip.path, '-filter_complex', graph, '-f', 'null', '-'],
  ])
  const find = (pattern) => Number(pattern.exec(stderr)?.[1] ?? Number.NaN)
  return {
    psnr: find(/ PSNR .* average:([\d.]+)/),
    ssim: find(/ SSIM .* All:([\d.]+)/),
    ...(vmaf ? { vmaf: find(/VMAF score: ([\d.]+)/) } : {}),
  }
}
