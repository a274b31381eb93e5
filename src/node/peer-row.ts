/** A peer as it is shown to people and programs. */
import type { Hello } from '../protocols/hello/index.ts'
import type { Peer } from './membership.ts'

export interface PeerRow {
  readonly peer: string
  readonly name: string
  readonly role: Hello['role']
  readonly state: Hello['state']
  readonly addresses: readonly string[]
  readonly software: string
  readonly ffmpeg: string | null
  /** Names of its video encoders. */
  readonly encoders: readonly string[]
  readonly cores: number
  readonly slots: number
  readonly busySlots: number
  /** For whom a worker works. */
  readonly serving: Hello['serving']
  /** Round-trip time; null until it has been measured. */
  readonly rttMs: number | null
}

export function peerRow({ id, hello, addresses, rttMs }: Peer): PeerRow {
  return {
    peer: id.toString(),
    name: hello.name,
    role: hello.role,
    state: hello.state,
    addresses,
    software: hello.software,
    ffmpeg: hello.ffmpeg?.version ?? null,
    encoders: hello.ffmpeg?.encoders ?? [],
    cores: hello.cores,
    slots: hello.slots,
    busySlots: hello.busySlots,
    serving: hello.serving,
    rttMs: rttMs === undefined ? null : Math.round(rttMs * 100) / 100,
  }
}
