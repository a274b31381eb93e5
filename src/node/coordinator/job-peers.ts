/** The nodes that a job has: waits for enough of them, follows who comes and goes, and notices when nobody is left. */
import type { Membership, Peer } from '../membership.ts'
import type { PeerChanged } from './events.ts'
import { JobError } from './failure.ts'
import type { EncodeOptions, EncodeRequest } from './request.ts'

const DESERTED_INTERVAL_MS = 500

/** @throws JobError PEERS_MISSING */
export async function waitForPeers(
  membership: Membership,
  { peers, waitSeconds, local }: Pick<EncodeRequest, 'peers' | 'waitSeconds' | 'local'>,
  { signal }: Pick<EncodeOptions, 'signal'>,
): Promise<void> {
  const wanted = peers ?? (local === 'never' ? 1 : 0)
  if (wanted === 0) return
  const deadline = AbortSignal.timeout(waitSeconds * 1000)
  try {
    await membership.waitForWorkers(wanted, { signal: AbortSignal.any([signal, deadline]) })
  } catch (error) {
    if (signal.aborted || !deadline.aborted) throw error
    const present = membership.peers
      .filter(({ hello }) => hello.role === 'worker')
      .map(({ hello }) => hello.name)
    const { strangers } = membership
    throw new JobError({ code: 'PEERS_MISSING', wanted, waitSeconds, present, strangers })
  }
}

export interface PeerHandlers {
  emit(event: PeerChanged): void
  /** A worker that can do the job. */
  add(peer: Peer): void
  /** PeerId of a worker that is out of reach. */
  lose(peer: string): void
}

/**
 * Tells of the workers that are there, and of each that comes or leaves.
 *
 * @param encoder that the job needs
 * @returns a function that ends it
 */
export function followPeers(
  membership: Membership,
  encoder: string,
  { emit, add, lose }: PeerHandlers,
): () => void {
  const known = new Set<string>()
  const consider = (peer: Peer) => {
    const id = peer.id.toString()
    if (peer.hello.role !== 'worker' || known.has(id)) return
    known.add(id)
    const common = { event: 'peer', peer: id, name: peer.hello.name } as const
    const detail = whyUnusable(peer, encoder)
    if (detail !== undefined) {
      emit({ ...common, state: 'unusable', slots: 0, detail })
      return
    }
    emit({ ...common, state: 'joined', slots: peer.hello.slots })
    add(peer)
  }
  const onJoin = ({ detail: peer }: CustomEvent<Peer>) => consider(peer)
  const onLeave = ({ detail: peer }: CustomEvent<Peer>) => {
    const id = peer.id.toString()
    if (!known.delete(id)) return
    emit({ event: 'peer', peer: id, name: peer.hello.name, state: 'left', slots: 0 })
    lose(id)
  }
  membership.addEventListener('join', onJoin)
  membership.addEventListener('leave', onLeave)
  for (const peer of membership.peers) consider(peer)
  return () => {
    membership.removeEventListener('join', onJoin)
    membership.removeEventListener('leave', onLeave)
  }
}

function whyUnusable({ hello }: Peer, encoder: string): string | undefined {
  if (hello.state === 'draining') return 'it takes no more work'
  if (hello.slots > 0 && hello.ffmpeg?.encoders.includes(encoder) === true) return undefined
  const version = hello.ffmpeg?.version ?? 'none'
  return `its ffmpeg (${version}) has no encoder ${encoder}: install a fuller FFmpeg there, or name one with FFSWARM_FFMPEG`
}

/**
 * Calls `onLost` when nobody has been there to work for so long.
 *
 * @param now milliseconds
 * @returns a function that ends it
 */
export function watchForWorkers(
  now: () => number,
  waitSeconds: number,
  isDeserted: () => boolean,
  onLost: (error: JobError) => void,
): () => void {
  let since: number | undefined
  const timer = setInterval(() => {
    since = isDeserted() ? (since ?? now()) : undefined
    if (since !== undefined && now() - since > waitSeconds * 1000) {
      onLost(new JobError({ code: 'PEERS_LOST', waitSeconds }))
    }
  }, DESERTED_INTERVAL_MS)
  return () => clearInterval(timer)
}
