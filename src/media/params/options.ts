/**
 * The options a user may type for ffmpeg's output side, by what they mean for a job: which go to the workers with each
 * segment, which are used once on the coordinator, and which are refused, with the reason and the remedy.
 */

export type OptionUse =
  | { kind: 'video' | 'audio' | 'subtitle' | 'output'; flag?: boolean }
  /** What it is for depends on its stream specifier; without one it is the video's, as for ffmpeg's encoders. */
  | { kind: 'specified' }
  /** It decides what the whole job is, and is read by itself. */
  | { kind: 'job'; flag?: boolean }
  | { kind: 'refused'; why: string }

const video: OptionUse = { kind: 'video' }
const audio: OptionUse = { kind: 'audio' }
const output: OptionUse = { kind: 'output' }
const specified: OptionUse = { kind: 'specified' }
const refused = (why: string): OptionUse => ({ kind: 'refused', why })

const OWN = 'ffswarm sets this itself; leave it out'
const job: OptionUse = { kind: 'job' }
const FRAMES = 'it would cut the other streams at a place that depends on timing; use -t SECONDS'
const INPUT =
  "it belongs before ffmpeg's -i, where ffswarm takes no options: leave it out, or make the input with it first, such as with 'ffmpeg … -i INPUT -c:v ffv1 -c:a copy NEW.mkv'"
const BITSTREAM_FILTER =
  "bitstream filters are not taken: apply them to the finished file with 'ffmpeg -i OUTPUT -map 0 -c copy -bsf:v … NEW'"
const TWO_PASS = 'statistics of the whole film do not fit a segment; use -crf'

/** Options of ffmpeg itself and of all its codecs. An encoder's own options come from the encoder. */
export const OPTIONS: ReadonlyMap<string, OptionUse> = new Map<string, OptionUse>([
  // codec and stream choice are looked at by name in the parser
  ['tag', specified],
  ['an', { kind: 'job', flag: true }],
  ['sn', { kind: 'job', flag: true }],
  ['dn', { kind: 'job', flag: true }],
  ['vn', refused('without video there is nothing to share out; use ffmpeg itself')],

  // general codec options (libavcodec/options_table.h) that encoders read
  ...[
    ...['b', 'q', 'qscale', 'profile', 'level', 'threads', 'flags', 'flags2', 'strict', 'compression_level'],
    ...['maxrate', 'minrate', 'bufsize', 'global_quality', 'cutoff', 'frame_size', 'thread_type'],
  ].map((name): [string, OptionUse] => [name, specified]),
  ...[
    ...[
      'g',
      'bf',
      'keyint_min',
      'sc_threshold',
      'qmin',
      'qmax',
      'qdiff',
      'qcomp',
      'qblur',
      'refs',
      'trellis',
    ],
    ...[
      'me_range',
      'subq',
      'rc_init_occupancy',
      'bt',
      'slices',
      'color_range',
      'color_primaries',
      'color_trc',
    ],
    ...[
      'colorspace',
      'chroma_sample_location',
      'field_order',
      'i_qfactor',
      'b_qfactor',
      'i_qoffset',
      'b_qoffset',
    ],
    ...[
      'mbd',
      'cmp',
      'subcmp',
      'mbcmp',
      'ildctcmp',
      'precmp',
      'skipcmp',
      'dia_size',
      'last_pred',
      'lumi_mask',
    ],
    ...['dark_mask', 'dc', 'nr', 'mblmin', 'mblmax', 'b_strategy', 'coder', 'context', 'brd_scale', 'p_mask'],
    ...['pix_fmt', 's', 'aspect', 'sws_flags', 'vf', 'filter', 'bits_per_raw_sample', 'apply_cropping'],
  ].map((name): [string, OptionUse] => [name, video]),
  ...['ac', 'ar', 'sample_fmt', 'channel_layout', 'ch_layout', 'af', 'vol'].map(
    (name): [string, OptionUse] => [name, audio],
  ),

  // muxer and metadata: the join's
  ...[
    'movflags',
    'metadata',
    'brand',
    'write_tmcd',
    'cues_to_front',
    'default_mode',
    'reserve_index_space',
    ...['frag_duration', 'frag_size', 'min_frag_duration', 'moov_size'],
    ...['cluster_size_limit', 'cluster_time_limit', 'write_crc32'],
    ...['muxrate', 'pcr_period', 'pat_period', 'sdt_period', 'mpegts_start_pid'],
    ...['mpegts_pmt_start_pid', 'mpegts_service_id', 'mpegts_service_type'],
    ...['mpegts_transport_stream_id', 'mpegts_original_network_id'],
  ].map((name): [string, OptionUse] => [name, output]),

  // of the whole job: decided once, or refused
  ['map', job],
  ['r', job],
  ['fps_mode', job],
  ['vsync', job],
  ['fpsmax', refused('use -r RATE, or -vf fps=RATE')],
  ['enc_time_base', refused(OWN)],
  ['ss', job],
  ['t', job],
  ['to', job],
  ['sseof', refused('it counts from the end of an input; use -ss from its start')],
  ['frames', refused(FRAMES)],
  ['vframes', refused(FRAMES)],
  ['dframes', refused(FRAMES)],
  ['fs', refused('a size limit for the whole file does not fit a segment; use -crf or -b:v')],
  ['pass', refused(TWO_PASS)],
  ['passlogfile', refused(TWO_PASS)],
  ['force_key_frames', video],
  ['filter_complex', refused('only a simple chain of filters is taken: -vf and -af')],
  ['lavfi', refused('only a simple chain of filters is taken: -vf and -af')],
  ['filter_script', refused('filters from a file are not taken; write them into -vf')],
  ['shortest', refused("the output has the source's length")],
  ['disposition', output],
  ['map_metadata', output],
  ['map_chapters', output],
  ['attach', refused("not built yet; the source's attachments are kept")],
  ...['bsf', 'vbsf', 'absf'].map((name): [string, OptionUse] => [name, refused(BITSTREAM_FILTER)]),
  [
    'fflags',
    refused(
      "ffswarm sets itself how files are read: leave it out; for the container apply it to the finished file with 'ffmpeg -i OUTPUT -map 0 -c copy -fflags … NEW'",
    ),
  ],
  [
    'timecode',
    refused(
      'write -metadata timecode=HH:MM:SS:FF, which gives the container the same; timecode inside MPEG-1 and 2 starts anew in each segment, and is not taken',
    ),
  ],
  ...[
    ...['hwaccel', 'hwaccel_device', 'hwaccel_output_format', 'init_hw_device', 'filter_hw_device'],
    ...[
      'vaapi_device',
      'qsv_device',
      'autorotate',
      'noautorotate',
      'analyzeduration',
      'probesize',
      'itsoffset',
    ],
    ...['itsscale', 're', 'readrate', 'stream_loop', 'accurate_seek', 'noaccurate_seek', 'seek_timestamp'],
    ...['thread_queue_size', 'discard', 'isync', 'find_stream_info', 'dump_attachment', 'reinit_filter'],
    ...[
      'guess_layout_max',
      'display_rotation',
      'display_hflip',
      'display_vflip',
      'canvas_size',
      'err_detect',
    ],
    ...['skip_frame', 'skip_loop_filter', 'skip_idct', 'ec', 'export_side_data', 'fix_sub_duration'],
  ].map((name): [string, OptionUse] => [name, refused(INPUT)]),
  ['use_editlist', refused('mp4 and mov say in their edit list where each track starts; leave it out')],
  ['bitexact', refused('write -flags:v +bitexact, and -flags:a +bitexact where audio is encoded')],
  ['f', job],
  ['i', refused("the input is the command's first argument")],
  ['y', refused("use ffswarm's own -y")],
  ...[
    ...[
      'n',
      'hide_banner',
      'loglevel',
      'v',
      'nostdin',
      'stats',
      'nostats',
      'progress',
      'report',
      'benchmark',
    ],
    ...['copyts', 'start_at_zero', 'output_ts_offset', 'muxdelay', 'muxpreload', 'avoid_negative_ts'],
    ...[
      'video_track_timescale',
      'movie_timescale',
      'copytb',
      'copyinkf',
      'filter_threads',
      'protocol_whitelist',
    ],
  ].map((name): [string, OptionUse] => [name, refused(OWN)]),
])

/** Other spellings of one option, with their stream type. */
export const ALIASES: ReadonlyMap<string, { name: string; specifier?: string }> = new Map([
  ['codec', { name: 'c' }],
  ['vcodec', { name: 'c', specifier: 'v' }],
  ['acodec', { name: 'c', specifier: 'a' }],
  ['scodec', { name: 'c', specifier: 's' }],
  ['vb', { name: 'b', specifier: 'v' }],
  ['ab', { name: 'b', specifier: 'a' }],
  ['aq', { name: 'q', specifier: 'a' }],
  ['qscale', { name: 'q' }],
  ['vf', { name: 'filter', specifier: 'v' }],
  ['af', { name: 'filter', specifier: 'a' }],
  ['vtag', { name: 'tag', specifier: 'v' }],
  ['atag', { name: 'tag', specifier: 'a' }],
  ['vprofile', { name: 'profile', specifier: 'v' }],
])
