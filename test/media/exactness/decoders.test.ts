/** Sources that do not decode alike from a later keyframe: what comes out must still be the single run's pictures. */
import {
  brokenTs,
  changedHeaders,
  coloursKept,
  intraRefreshTail,
  newSize,
  oldX264,
  openGopTs,
  paintedOver,
  shortTs,
} from '../../helpers/clips-decoders.ts'
import { describeFrames } from '../../helpers/exactness.ts'

describeFrames(oldX264)
describeFrames(intraRefreshTail)
describeFrames(coloursKept)
describeFrames(paintedOver)
describeFrames(newSize)
describeFrames(changedHeaders)
describeFrames(openGopTs)
describeFrames(brokenTs)
describeFrames(shortTs)
