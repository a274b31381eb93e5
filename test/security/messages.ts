/** All that a node reads of others. */
import { benchmarkRequest, benchmarkResponse } from '../../src/protocols/benchmark/messages.ts'
import { blobOpen, blobOpened, blobRequest } from '../../src/protocols/blob/messages.ts'
import { helloMessage } from '../../src/protocols/hello/messages.ts'
import {
  pairAnswer,
  pairIntroduction,
  pairOpening,
  pairProof,
  pairShare,
} from '../../src/protocols/pair/messages.ts'
import {
  segmentAnswer,
  segmentOffer,
  segmentReport,
  segmentVerdict,
} from '../../src/protocols/segment/messages.ts'

/** What each protocol reads of the other side, and a message that it takes. */
export const MESSAGES = {
  hello: [
    helloMessage,
    {
      ...{ protocolVersion: 1, software: 'ffswarm/1', name: 'attic', swarm: 'default', role: 'worker' },
      ...{
        clockMs: 1_795_000_000_000,
        state: 'idle',
        host: 'ab',
        cpus: [0, 1],
        cores: 2,
        slots: 1,
        busySlots: 0,
      },
      ...{ serving: [{ name: 'desk', tasks: 1 }], ffmpeg: { version: '7.0', encoders: ['libx264'] } },
    },
  ],
  'segment, offer': [
    segmentOffer,
    {
      ...{ job: 'job-1', task: 3, attempt: 0, startPts: '-1', endPts: '9223372036854775807' },
      source: { blob: 'src', sizeBytes: 9, format: 'mov', stream: 0, bytes: [0, 9], x264Build: null },
      ...{ filtered: null, timeBase: [1, 90_000], seekPts: ['10', null], zeroMicroseconds: '1' },
      retiming: { timeBase: [1, 25], firstPts: null, runs: [[1, 1]] },
      ...{ startMicroseconds: '0', encoderTimeBase: [1, 24], params: ['-c:v', 'libx264'], container: 'mp4' },
      expected: { frames: 24, ptsDigest: 'a'.repeat(64), picture: '1920x1080 yuv420p' },
      inBandHeaders: false,
    },
  ],
  'segment, answer': [segmentAnswer, { type: 'refused', code: 'BUSY', message: 'later' }],
  'segment, report': [segmentReport, { type: 'progress', progress: { frames: 3, fps: 2.5, slots: 2 } }],
  'segment, verdict': [segmentVerdict, { type: 'reject', code: 'FRAMES' }],
  'blob, open': [blobOpen, { blob: 'src' }],
  'blob, opened': [blobOpened, { sizeBytes: 9 }],
  'blob, request': [blobRequest, { offset: 0, length: 9 }],
  'benchmark, request': [
    benchmarkRequest,
    { params: ['-c:v', 'libx264'], width: 640, height: 360, frameRate: [25, 1], seconds: 1 },
  ],
  'pair, opening': [pairOpening, { session: 'ab'.repeat(16), share: 'ab'.repeat(32) }],
  'pair, share': [pairShare, { share: 'ab'.repeat(32) }],
  'pair, proof': [pairProof, { proof: 'ab'.repeat(32) }],
  'pair, answer': [pairAnswer, { type: 'proven', proof: 'ab'.repeat(32) }],
  'pair, introduction': [pairIntroduction, { name: 'attic', peers: ['12D3KooW'], key: null }],
  'benchmark, response': [benchmarkResponse, { code: 'BUSY', message: 'later' }],
} as const
