/** Which node made how much of a film. */
import type { PeerShare } from './events.ts'
import type { Executor } from './executor.ts'
import type { VerifiedSegment } from './verify-segment.ts'

/**
 * In the order in which they come in the film; last those that were there to no avail.
 *
 * @param executors of all nodes that were given work, or would have been
 */
export function peerShares(
  segments: readonly VerifiedSegment[],
  executors: readonly Pick<Executor, 'peer' | 'name'>[],
): PeerShare[] {
  const byPeer = new Map<string, PeerShare>()
  for (const { executor, task, encoded } of segments) {
    const share = byPeer.get(executor.peer)
    byPeer.set(executor.peer, {
      peer: executor.peer,
      name: executor.name,
      segments: (share?.segments ?? 0) + 1,
      frames: (share?.frames ?? 0) + task.frames,
      encodeSeconds: (share?.encodeSeconds ?? 0) + encoded.encodeSeconds,
    })
  }
  for (const { peer, name } of executors) {
    if (!byPeer.has(peer)) byPeer.set(peer, { peer, name, segments: 0, frames: 0, encodeSeconds: 0 })
  }
  return [...byPeer.values()]
}
