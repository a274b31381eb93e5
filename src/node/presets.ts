/** Params that have been tried, for those who would rather not choose them. */

export interface Preset {
  readonly name: string
  readonly description: string
  /** As `--params` takes them. */
  readonly params: string
  /** The output's ending, where none is named: with the dot. */
  readonly extension: string
}

export const PRESETS: readonly Preset[] = [
  {
    name: 'archive-av1',
    description: 'small, and good to keep: AV1 in 10 bit, Opus',
    params: '-c:v libsvtav1 -preset 5 -crf 28 -pix_fmt yuv420p10le -g 240 -c:a libopus -b:a 160k',
    extension: '.mkv',
  },
  {
    name: 'web-h264',
    description: 'plays everywhere: H.264 in 8 bit, AAC, begins to play before all of it is there',
    params:
      '-c:v libx264 -preset slow -crf 21 -profile:v high -pix_fmt yuv420p -movflags +faststart -c:a aac -b:a 160k',
    extension: '.mp4',
  },
  {
    name: 'web-av1',
    description: 'smaller than web-h264, for browsers of today: AV1, Opus',
    params: '-c:v libsvtav1 -preset 6 -crf 32 -pix_fmt yuv420p -movflags +faststart -c:a libopus -b:a 128k',
    extension: '.mp4',
  },
  {
    name: 'web-vp9',
    description: 'for WebM: VP9, Opus',
    params: '-c:v libvpx-vp9 -crf 32 -b:v 0 -deadline good -cpu-used 2 -row-mt 1 -c:a libopus -b:a 128k',
    extension: '.webm',
  },
  {
    name: 'hevc-10bit',
    description: 'for televisions and Apple’s machines: HEVC in 10 bit, the sound as it is',
    params: '-c:v libx265 -preset medium -crf 20 -pix_fmt yuv420p10le -tag:v hvc1 -c:a copy',
    extension: '.mp4',
  },
  {
    name: 'fast-draft',
    description: 'to have a look soon: H.264 of 540 lines, AAC',
    params: '-c:v libx264 -preset veryfast -crf 27 -vf scale=-2:540 -pix_fmt yuv420p -c:a aac -b:a 96k',
    extension: '.mp4',
  },
  {
    name: 'edit-prores',
    description: 'for editing: ProRes 422 HQ, PCM',
    params: '-c:v prores_ks -profile:v 3 -pix_fmt yuv422p10le -c:a pcm_s16le',
    extension: '.mov',
  },
  {
    name: 'archive-ffv1',
    description: 'bit for bit, as archives keep films: FFV1, FLAC',
    params: '-c:v ffv1 -level 3 -g 1 -slices 16 -slicecrc 1 -c:a flac',
    extension: '.mkv',
  },
]

/** Those and a user's own, which may take the place of one. @param files the first one counts */
export function presetsWith(files: readonly { readonly presets: readonly Preset[] }[]): readonly Preset[] {
  const byName = new Map(PRESETS.map((preset) => [preset.name, preset]))
  for (const { presets } of files.toReversed()) for (const preset of presets) byName.set(preset.name, preset)
  return [...byName.values()]
}
