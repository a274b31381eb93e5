/** Which node made how much of a film. */
import type { PeerShare } from './events.ts'
import type { VerifiedSegment } from './verify-segment.ts'

export function peerShares(segments: readonly VerifiedSegment[]): PeerShare[] {
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
  return [...byPeer.values()]
}
