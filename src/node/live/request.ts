/** What a live stream is asked for, from the words that one types. Pure. */
import { isLocalFile, splitParams } from '../../media/index.ts'
import { readHlsParams } from './hls-params.ts'
import type { StreamRequest } from './stream.ts'

export interface StreamWords {
  readonly output: string
  readonly delay: number | 'auto'
  readonly params?: string | undefined
  readonly fallbackParams?: string | undefined
  readonly streamParams: string
  readonly inputParams?: string | undefined
  readonly realtime?: boolean | undefined
  readonly reconnect?: boolean | undefined
  readonly peers?: number | undefined
  readonly wait: number
  readonly local: StreamRequest['local']
}

const PARAMS_DEFAULT = '-c:v libx264 -preset fast'
const AUDIO_DEFAULT = ['-c:a', 'aac', '-b:a', '128k']

/** @throws MediaError PARAMS_INVALID */
export function readStreamRequest(input: string, words: StreamWords): StreamRequest {
  const { video, audio } = apart(words.params ?? PARAMS_DEFAULT)
  const isFile = isLocalFile(input)
  return {
    input: {
      url: input,
      options: words.inputParams === undefined ? [] : splitParams(words.inputParams),
      isPaced: isFile && words.realtime === true,
    },
    output: words.output,
    params: video,
    fallbackParams: words.fallbackParams === undefined ? undefined : apart(words.fallbackParams).video,
    audio: audio.length === 0 ? AUDIO_DEFAULT : audio,
    delaySeconds: words.delay,
    ...readHlsParams(words.streamParams),
    ...{ peers: words.peers, waitSeconds: words.wait, local: words.local },
    reconnects: words.reconnect === true,
  }
}

/** The sound is encoded here, once; the nodes get the options of the pictures. */
function apart(params: string): { video: string; audio: string[] } {
  const words = splitParams(params)
  const video: string[] = []
  const audio: string[] = []
  for (let at = 0; at < words.length; at += 2) {
    const [name = '', ...value] = words.slice(at, at + 2)
    const isOfSound =
      /^-(c|codec|b|profile|filter|q|ar|ac|channel_layout|sample_fmt)?:a(:\d+)?$|^-(acodec|ar|ac|af|ab)$/.test(
        name,
      )
    ;(isOfSound ? audio : video).push(name, ...value)
  }
  return { video: video.map(quoted).join(' '), audio }
}

function quoted(word: string): string {
  return /^[\w.,:=/+@%-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`
}
