/**
 * `npm run bench:exactness`: every kind of source with every family of params, each against a single run of ffmpeg. A
 * cell is equal, or refused before any work; anything else fails. The table is written to `tmp/exactness.md`.
 */
import { existsSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, type TaskMeta, test } from 'vitest'
import { MediaError } from '../../src/media/index.ts'
import * as common from '../../test/helpers/clips.ts'
import * as ofDecoders from '../../test/helpers/clips-decoders.ts'
import {
  ANYWHERE,
  expectSameFile,
  expectSameFrames,
  LOSSLESS,
  useDirectory,
} from '../../test/helpers/exactness.ts'
import { slug } from '../../test/helpers/slug.ts'

interface Family {
  readonly name: string
  readonly params: string
  /** Containers of the files to compare; without any, frames are compared by their hashes. */
  readonly containers?: readonly string[]
}

const X264 = '-c:v libx264 -preset ultrafast -bf 3 -threads 1'

const FAMILIES: readonly Family[] = [
  { name: 'frames', params: LOSSLESS },
  { name: 'x264', params: X264, containers: ['mp4', 'mov', 'mkv', 'ts'] },
  {
    name: 'x265',
    params: '-c:v libx265 -preset ultrafast -x265-params log-level=error',
    containers: ['mp4', 'mkv'],
  },
  { name: 'SVT-AV1', params: '-c:v libsvtav1 -preset 12', containers: ['mp4', 'mkv'] },
  {
    name: 'VP9, Opus',
    params: '-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus -b:a 64k',
    containers: ['webm'],
  },
  { name: 'scale, pix_fmt', params: `${LOSSLESS} -vf scale=96:-2 -pix_fmt yuv420p` },
  { name: 'yadif', params: `${LOSSLESS} -vf yadif` },
  { name: 'bwdif', params: `${LOSSLESS} -vf bwdif` },
  { name: 'hqdn3d', params: `${LOSSLESS} -vf scale=96:-2,hqdn3d` },
  { name: 'tmix', params: `${LOSSLESS} -vf tmix=frames=5` },
  { name: 'fps', params: `${LOSSLESS} -vf fps=24000/1001` },
  { name: 'fps upwards', params: `${LOSSLESS} -vf fps=60` },
  { name: 'setpts', params: `${LOSSLESS} -vf setpts=0.5*PTS` },
  { name: 'select', params: `${LOSSLESS} -vf "select='not(mod(n,3))'"` },
  { name: 'decimate', params: `${LOSSLESS} -vf decimate` },
  { name: '-r', params: `${LOSSLESS} -r 30` },
  { name: '-r in files', params: `${X264} -r 30`, containers: ['mp4', 'ts'] },
  { name: '-fps_mode', params: `${LOSSLESS} -fps_mode vfr` },
  { name: '-fps_mode auto', params: `${X264} -fps_mode auto`, containers: ['mp4', 'mkv'] },
  { name: '-ss -t', params: `${X264} -ss 1 -t 2`, containers: ['mp4', 'mkv'] },
  { name: '-map, -an', params: `${X264} -map 0:V:0 -an`, containers: ['mp4'] },
  { name: 'audio', params: `${X264} -c:a aac -b:a 64k -ac 1`, containers: ['mp4', 'mkv'] },
  {
    name: 'audio of the container’s choice',
    params: `${X264} -ac 2 -b:a 96k`,
    containers: ['mp4', 'ts', 'mkv'],
  },
  {
    name: 'fragmented',
    params: `${X264} -movflags +frag_keyframe+empty_moov+delay_moov`,
    containers: ['mp4'],
  },
  {
    name: 'fragmented, no edit lists',
    params: `${X264} -bf 0 -movflags +frag_keyframe+empty_moov`,
    containers: ['mp4'],
  },
  { name: 'keyframes', params: `${X264} -g 50 -force_key_frames 0.9,2`, containers: ['mp4'] },
  { name: 'rate', params: `${X264} -b:v 300k -maxrate 400k -bufsize 400k`, containers: ['mp4'] },
  {
    name: 'metadata',
    params: `${X264} -metadata title=x -movflags +faststart -color_range tv`,
    containers: ['mp4'],
  },
]

const FOOTAGE = fileURLToPath(new URL('../../../shared/media', import.meta.url))

const clips = [...Object.values(common), ...Object.values(ofDecoders)].flatMap((exported): common.Clip[] =>
  Array.isArray(exported) ? exported.filter(isClip) : isClip(exported) ? [exported] : [],
)

function isClip(value: unknown): value is common.Clip {
  return typeof value === 'object' && value !== null && 'make' in value && 'extension' in value
}

const directory = useDirectory()

// Nine frames are not cut twice; the tests of frame rates have it.
for (const clip of clips.filter((one) => one !== common.slowMp4)) {
  describe(clip.name, async () => {
    const reason = await common.whyNotMade(clip)
    const find = () => common.clipIn(directory(), clip)
    for (const family of FAMILIES) {
      test.skipIf(reason !== undefined)(family.name, async ({ task }) => {
        Object.assign(task.meta, await compare(find, clip.name, family, clip.roughAudioSeconds))
      })
    }
  })
}

const footage = existsSync(FOOTAGE)
  ? readdirSync(FOOTAGE).filter((name) => /\.(mp4|mov|mkv|webm|avi|ts|mpg)$/.test(name))
  : []

for (const name of footage) {
  describe(name, () => {
    for (const family of FAMILIES) {
      test(family.name, async ({ task }) => {
        const find = async () => join(FOOTAGE, name)
        Object.assign(
          task.meta,
          await compare(find, name, { ...family, params: smaller(family.params) }, common.MATROSKA_TICK),
        )
      })
    }
  })
}

/** Small pictures, so that the time goes into what is tested. */
function smaller(params: string): string {
  return params.includes('-vf') ? params.replace('-vf ', '-s 128x72 -vf ') : `${params} -s 128x72`
}

/** @returns why the params were refused, where they were */
async function compare(
  find: () => Promise<string>,
  name: string,
  { params, containers }: Family,
  roughAudioSeconds: number | undefined,
): Promise<TaskMeta> {
  const source = await find()
  const place = join(directory(), slug(`${name}-${params}`))
  try {
    if (containers === undefined) await expectSameFrames(source, undefined, ANYWHERE, place, params)
    else await expectSameFile(source, { grid: undefined, params, containers, roughAudioSeconds }, place)
  } catch (error) {
    if (!(error instanceof MediaError) || !BEFORE_WORK.has(error.code)) throw error
    return { refused: error.message.replaceAll(source, 'the file') }
  } finally {
    await rm(place, { recursive: true, force: true })
  }
  return {}
}

const BEFORE_WORK: ReadonlySet<string> = new Set([
  ...[
    'PARAMS_INVALID',
    'PARAMS_REJECTED',
    'OUTPUT_REJECTED',
    'FILM_TIMES',
    'INPUT_CLOCK_JUMPS',
    'INPUT_SIZE_CHANGES',
    'INPUT_TIMES_REPEAT',
  ],
])
