/** Which pieces of a film can stand beside one another. */

interface Piece {
  readonly first: number
  readonly frames: number
}

/** A slow node's segment and the parts of it that others made may both be there: of those that share frames the longest are kept. */
export function withoutOverlaps<P extends Piece>(pieces: readonly P[], others: readonly Piece[] = []): P[] {
  const kept: P[] = []
  for (const piece of [...pieces].sort((a, b) => b.frames - a.frames)) {
    if (![...others, ...kept].some((other) => overlaps(piece, other))) kept.push(piece)
  }
  return kept.sort((a, b) => a.first - b.first)
}

function overlaps(a: Piece, b: Piece): boolean {
  return a.first < b.first + b.frames && b.first < a.first + a.frames
}
