/** Sources of other codecs and containers, and what they carry beside the frames. */
import {
  anamorphic,
  av1Altref,
  coverArt,
  hdr10,
  interlaced264Ts,
  interlacedMpeg2,
  manyTracks,
  mpeg4Avi,
  packedMpeg4,
  programStream,
  rotated,
  vp8Altref,
  vp9Altref,
} from '../../helpers/clips.ts'
import { describeExactness, describeFrames } from '../../helpers/exactness.ts'

describeExactness(interlacedMpeg2)
describeExactness(interlaced264Ts)
describeExactness(vp9Altref, [
  {
    params: '-c:v libvpx-vp9 -deadline good -cpu-used 5 -auto-alt-ref 1 -lag-in-frames 16',
    containers: ['webm'],
  },
])
describeExactness(packedMpeg4)
describeExactness(programStream)
describeExactness(hdr10, [
  {
    params: '-c:v libx265 -preset ultrafast -x265-params log-level=error:hdr10=1',
    containers: ['mp4', 'mkv'],
  },
])
describeExactness(anamorphic)
describeExactness(rotated)
describeExactness(coverArt, [{ params: '-c:v libx264 -preset ultrafast', containers: ['mov'] }])
describeExactness(manyTracks, [
  { params: '-c:v libx264 -preset ultrafast -c:a:0 aac -b:a:0 64k -c:a:1 copy', containers: ['mkv'] },
])

// They carry frames alone, at a constant rate from the beginning on.
describeFrames(vp8Altref)
describeFrames(av1Altref)
describeFrames(mpeg4Avi)
