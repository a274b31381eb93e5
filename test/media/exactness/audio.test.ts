/** Audio that is encoded by the container's own choice, and fragmented files: as a single run writes them, and found right. */
import { join } from 'node:path'
import { describe, test } from 'vitest'
import {
  bPyramid,
  type Clip,
  clipIn,
  lateStartMp4,
  lateVideoMp4,
  MATROSKA_TICK,
  offsetTs,
  vp9Altref,
} from '../../helpers/clips.ts'
import { expectSameFile, useDirectory } from '../../helpers/exactness.ts'
import { ffmpeg } from '../../helpers/ffmpeg.ts'
import { slug } from '../../helpers/slug.ts'

const X264 = '-c:v libx264 -preset ultrafast -threads 1'
const directory = useDirectory()

function clipWith(codec: string, extension: string): Clip {
  return {
    name: `${codec} in ${extension}`,
    extension,
    grid: '1/25',
    needs: ['libx264'],
    roughAudioSeconds: extension === 'mkv' ? MATROSKA_TICK : 0,
    make: (path) =>
      ffmpeg(
        ...['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=25:duration=4'],
        ...['-f', 'lavfi', '-i', 'sine=sample_rate=48000:duration=4'],
        ...['-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', codec, path],
      ),
  }
}

const pcmMov = clipWith('pcm_s16le', 'mov')
const flacMkv = clipWith('flac', 'mkv')
const lateFlac: Clip = {
  ...flacMkv,
  name: 'flac that starts 5 ms late',
  make: (path) =>
    ffmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=25:duration=4'],
      ...['-itsoffset', '0.005', '-f', 'lavfi', '-i', 'sine=sample_rate=48000:duration=4'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'flac', path],
    ),
}
const FRAGMENTED = '-movflags +frag_keyframe+empty_moov'

describe('the file of a single run', () => {
  const checks: readonly (readonly [Clip, string, readonly string[]])[] = [
    [bPyramid, `${X264} -ac 2`, ['mp4', 'mkv', 'mov']],
    [bPyramid, `${X264} -b:a 96k`, ['ts']],
    [bPyramid, `${X264} -ar 44100`, ['mov']],
    [bPyramid, '-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:a 96k', ['webm']],
    [pcmMov, X264, ['mp4', 'ts']],
    // MP2 keeps its last samples to itself; Opus ends within its last packet.
    [lateStartMp4, `${X264} -ac 2`, ['ts']],
    [vp9Altref, X264, ['mov']],
    [flacMkv, X264, ['mp4']],
    // The whole track is there, but its last packet is read as shorter.
    [lateFlac, `${X264} -c:a flac -strict -2`, ['mp4']],
    [lateFlac, `${X264} -c:a alac`, ['mov']],
    [lateFlac, `${X264} -c:a pcm_s16le`, ['mov']],
    [bPyramid, `${X264} -c:a aac -af adelay=500,atempo=1.25`, ['mp4']],
    [bPyramid, `${X264} -bf 0 ${FRAGMENTED}`, ['mp4', 'mov']],
    [bPyramid, `${X264} -bf 0 -ac 2 ${FRAGMENTED}+delay_moov`, ['mp4']],
    [bPyramid, `${X264} -bf 0 -ss 1 -t 3 ${FRAGMENTED}`, ['mp4']],
    [bPyramid, `${X264} -tune zerolatency -movflags +dash`, ['mp4']],
    [bPyramid, `${X264} -bf 2 -c:a aac -movflags +cmaf`, ['mp4']],
    [offsetTs, `${X264} ${FRAGMENTED}+delay_moov`, ['mp4']],
    [lateVideoMp4, `${X264} -bf 0 ${FRAGMENTED}`, ['mp4']],
    [lateStartMp4, `${X264} -bf 0 -movflags +cmaf`, ['mp4']],
  ]
  test.each(checks.map(([clip, params, containers]) => ({ of: clip.name, params, containers, clip })))(
    'comes of $of by $params in $containers',
    async ({ clip, params, containers }) => {
      const source = await clipIn(directory(), clip)
      const place = join(directory(), slug(`${clip.name}-${params}`))
      await expectSameFile(source, { ...clip, params, containers }, place)
    },
  )
})
