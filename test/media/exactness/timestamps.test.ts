/** Sources whose timestamps start late, are rounded, jump, or keep no constant rate. */
import {
  editList,
  fragmented,
  gapsMkv,
  lateStartMp4,
  lateVideoMp4,
  lateVideoTs,
  ntscFilmMkv,
  offsetTs,
  variableRateMkv,
  variableRateMp4,
  wrappingTs,
} from '../../helpers/clips.ts'
import { describeExactness } from '../../helpers/exactness.ts'

describeExactness(variableRateMkv, [
  { params: '-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus', containers: ['webm', 'mkv'] },
])
describeExactness(variableRateMp4, [
  { params: '-c:v libx265 -preset ultrafast -x265-params log-level=error', containers: ['mp4'] },
])
describeExactness(gapsMkv, [
  { params: '-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus', containers: ['webm'] },
])
describeExactness(ntscFilmMkv)
describeExactness(lateStartMp4)
describeExactness(lateVideoMp4)
describeExactness(offsetTs)
describeExactness(lateVideoTs)
describeExactness(wrappingTs)
describeExactness(editList)
describeExactness(fragmented)
