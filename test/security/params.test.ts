/** Params as a hostile coordinator sends them: whatever names a file, an address, a device, a plugin or another output is refused. */
import { describe, expect, test } from 'vitest'
import { MediaError, parseParams, readEncoder } from '../../src/media/index.ts'
import { tools } from '../helpers/ffmpeg.ts'

const FILE = '/etc/passwd'
const OUT = '/tmp/canary'

/** As a worker reads an offer's. */
async function read(words: readonly string[]): Promise<void> {
  await parseParams(words, {
    defaultEncoder: '',
    scope: 'segment',
    ffmpegPath: tools.ffmpeg.path,
    findEncoder: (name) => readEncoder(tools.ffmpeg, name, {}),
  })
}

const X264 = ['-c:v', 'libx264']
const filtered = (filter: string) => [...X264, '-filter:v', filter]

const FILTERS = [
  `movie=${FILE}`,
  `movie=${FILE}[a];[in][a]overlay`,
  `[in]split[a][b];[a][b]hstack`,
  `amovie=${FILE}`,
  `subtitles=${FILE}`,
  `subtitles=filename=${FILE}`,
  `ass=${FILE}`,
  `drawtext=textfile=${FILE}`,
  `drawtext=fontfile=${FILE}:text=x`,
  `drawtext=text=%{metadata}`,
  `lut3d=${FILE}`,
  `lut3d=file=${FILE}`,
  `lut1d=file=${FILE}`,
  `curves=psfile=${FILE}`,
  `curves=plot=${OUT}`,
  `removelogo=${FILE}`,
  `removelogo=f=${FILE}`,
  `find_rect=object=${FILE}`,
  `cover_rect=cover=${FILE}`,
  `frei0r=glow`,
  `frei0r=filter_name=${FILE}`,
  `ladspa=file=${FILE}`,
  `dnn_processing=model=${FILE}`,
  `derain=model=${FILE}`,
  `sr=model=${FILE}`,
  `libvmaf=log_path=${OUT}`,
  `psnr=stats_file=${OUT}`,
  `ssim=stats_file=${OUT}`,
  `signature=filename=${OUT}`,
  `metadata=mode=print:file=${OUT}`,
  `ametadata=mode=print:file=${OUT}`,
  `sendcmd=f=${FILE}`,
  `sendcmd=filename=${FILE}`,
  `sendcmd=c=0.0 scale w 10`,
  `zmq=bind_address=tcp\\://0.0.0.0\\:5555`,
  `vidstabdetect=result=${OUT}`,
  `vidstabtransform=input=${FILE}`,
  `deshake=filename=${OUT}`,
  `program_opencl=source=${FILE}`,
  `libplacebo=custom_shader_path=${FILE}`,
  `fieldhint=hint=${FILE}`,
  `remap`,
  `segment=timestamps=1`,
  `streamselect=map=0`,
  `nullsrc`,
  `color=red`,
  `testsrc2`,
  `lavfi`,
  `hwupload`,
  `hwmap=derive_device=vaapi`,
  `scale@x=10:10;movie=${FILE}`,
  `scale='10':10,movie=${FILE}`,
  `scale=10:10:flags=bicubic,subtitles=${FILE}`,
  `format=yuv420p;[0:v]null`,
  `ocr=datapath=${FILE}`,
  `qp=file=${FILE}`,
  `perms=mode=rw`,
  `avgblur=sizeX=2;movie=${FILE}`,
]

const OPTIONS: readonly (readonly string[])[] = [
  ['-i', FILE],
  ['-vf', 'null', '-i', FILE],
  [OUT],
  ['-y', OUT],
  ['http://192.0.2.1/x'],
  ['-f', 'tee', OUT],
  ['-f', 'segment'],
  ['-f', 'hls'],
  ['-report'],
  ['-vstats'],
  ['-vstats_file', OUT],
  ['-passlogfile', OUT],
  ['-pass', '1'],
  ['-pass:v', '2'],
  ['-attach', FILE],
  ['-dump_attachment', OUT],
  ['-dump_attachment:t', ''],
  ['-filter_script:v', FILE],
  ['-filter_complex', `movie=${FILE}`],
  ['-filter_complex_script', FILE],
  ['-lavfi', `movie=${FILE}`],
  ['-/filter:v', FILE],
  ['-init_hw_device', 'vaapi=x:/dev/dri/renderD128'],
  ['-hwaccel', 'auto'],
  ['-hwaccel_device', '/dev/dri/renderD128'],
  ['-progress', 'tcp://192.0.2.1:1'],
  ['-protocol_whitelist', 'file,http'],
  ['-map', '0'],
  ['-map_metadata', '0'],
  ['-metadata', 'title=x'],
  ['-sdp_file', OUT],
  ['-preset', `../../${FILE}`, '-fpre', FILE],
  ['-vpre', FILE],
  ['-fpre:v', FILE],
  ['-pre', FILE],
  ['-loglevel', 'trace'],
  ['-stats_file', OUT],
  ['-stats', OUT],
  ['-x264-params', `stats=${OUT}`],
  ['-x264-params', `pass=1:stats=${OUT}`],
  ['-x264-params', `crf=20:dump-yuv=${OUT}`],
  ['-x264-params', `cqmfile=${FILE}`],
  ['-x264-params', `qpfile=${FILE}`],
  ['-x264-params', `opencl-clbin=${OUT}`],
  ['-x264opts', `stats=${OUT}`],
  ['-x264opts', `log-file=${OUT}`],
  ['-x264-params', 'threads=512'],
  ['-x264-params', 'lookahead-threads=512'],
  ['-threads', '512'],
  ['-threads:v', '4096'],
  ['-streamid', '0:1'],
  ['-muxdelay', '0'],
  ['-movflags', 'faststart'],
  ['-bsf:v', 'trace_headers'],
  ['-bsf:v', 'filter_units'],
  ['-timecode', '00:00:00:00'],
  ['-fs', '1'],
  ['-shortest'],
  ['-re'],
  ['-stream_loop', '-1'],
  ['-ss', '1'],
  ['-t', '1'],
  ['-c:a', 'aac'],
  ['-an'],
  ['-copyts'],
  ['-enc_stats_pre', OUT],
  ['-stats_enc_post', OUT],
  ['-stats_mux_pre', OUT],
]

const ENCODERS: readonly (readonly string[])[] = [
  ['-c:v', 'libx265', '-x265-params', `csv=${OUT}`],
  ['-c:v', 'libx265', '-x265-params', `stats=${OUT}`],
  ['-c:v', 'libx265', '-x265-params', `analysis-save=${OUT}`],
  ['-c:v', 'libx265', '-x265-params', `analysis-load=${FILE}`],
  ['-c:v', 'libx265', '-x265-params', `recon=${OUT}`],
  ['-c:v', 'libx265', '-x265-params', `scaling-list=${FILE}`],
  ['-c:v', 'libx265', '-x265-params', `lambda-file=${FILE}`],
  ['-c:v', 'libx265', '-x265-params', `zonefile=${FILE}`],
  ['-c:v', 'libx265', '-x265-params', `qpfile=${FILE}`],
  ['-c:v', 'libx265', '-x265-params', `dhdr10-info=${FILE}`],
  ['-c:v', 'libx265', '-x265-params', `dolby-vision-rpu=${FILE}`],
  ['-c:v', 'libx265', '-x265-params', `nalu-file=${FILE}`],
  ['-c:v', 'libx265', '-x265-params', `film-grain=${FILE}`],
  ['-c:v', 'libx265', '-x265-params', 'pools=640'],
  ['-c:v', 'libsvtav1', '-svtav1-params', `stat-file=${OUT}`],
  ['-c:v', 'libsvtav1', '-svtav1-params', `stats=${OUT}`],
  ['-c:v', 'libsvtav1', '-svtav1-params', `fgs-table=${FILE}`],
  ['-c:v', 'libsvtav1', '-svtav1-params', `recon=${OUT}`],
  ['-c:v', 'libaom-av1', '-aom-params', `film-grain-table=${FILE}`],
  ['-c:v', 'libaom-av1', '-aom-params', `fpf=${OUT}`],
  ['-c:v', 'libaom-av1', '-partitions-dir', OUT],
  ['-c:v', 'copy'],
  ['-c:v', 'no-such-encoder'],
  ['-c:v', '../libx264'],
  ['-c:v', 'libx264 -i'],
]

async function refusal(words: readonly string[]): Promise<string> {
  try {
    await read(words)
    return 'taken'
  } catch (error) {
    return error instanceof MediaError ? error.code : String(error)
  }
}

const REFUSED = /^(PARAMS_INVALID|ENCODER_MISSING)$/

describe('a worker does not take', () => {
  test.each(FILTERS)('the filter %s', async (filter) => {
    expect(await refusal(filtered(filter))).toMatch(REFUSED)
  })

  test.each(OPTIONS.map((words) => [words.join(' '), words] as const))('the option %s', async (_, words) => {
    expect(await refusal([...X264, ...words])).toMatch(REFUSED)
  })

  test.each(ENCODERS.map((words) => [words.join(' '), words] as const))(
    'of an encoder %s',
    async (_, words) => {
      expect(await refusal(words)).toMatch(REFUSED)
    },
  )
})

test('what is plain is taken', async () => {
  await read([
    ...X264,
    '-preset',
    'fast',
    '-crf',
    '20',
    '-filter:v',
    'scale=640:-2,hflip',
    '-x264-params',
    'keyint=48',
  ])
})
