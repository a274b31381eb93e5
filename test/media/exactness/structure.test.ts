/** Sources whose frames refer to each other across the cuts. */
import { allIntra, bPyramid, intraRefresh, oneKeyframe, openGop264, openGop265 } from '../../helpers/clips.ts'
import { describeExactness, describeFrames } from '../../helpers/exactness.ts'

describeExactness(bPyramid, [
  { params: '-c:v libx265 -preset ultrafast -x265-params log-level=error', containers: ['mp4', 'mkv'] },
  { params: '-c:v libsvtav1 -preset 12', containers: ['mp4', 'mkv'] },
  {
    params: '-c:v libx264 -preset ultrafast -bf 3 -g 20 -c:a aac -b:a 64k',
    containers: ['mp4', 'mkv', 'mov'],
  },
])

// What the file says beside the frames hangs on nothing that is awkward here.
describeFrames(openGop264)
describeFrames(openGop265)
describeFrames(oneKeyframe)
describeFrames(intraRefresh)
describeFrames(allIntra)
