/** A remote file as blocks: each is fetched once, and kept while it is among those used last. */

/** Reads a range of the remote file. */
export type ReadRange = (
  offset: number,
  length: number,
  options: { signal: AbortSignal },
) => Promise<readonly Uint8Array[]>

export interface BlockCacheInit {
  sizeBytes: number
  /** A demuxer that seeks reads little: small blocks keep what is sent near what is needed. */
  blockBytes: number
  blocksMax: number
  read: ReadRange
}

interface Block {
  readonly pieces: Promise<readonly Uint8Array[]>
}

export class BlockCache {
  readonly #init: BlockCacheInit
  // A Map keeps the order of insertion: the first entry is the one used longest ago.
  readonly #blocks = new Map<number, Block>()
  readonly #closed = new AbortController()

  constructor(init: BlockCacheInit) {
    this.#init = init
  }

  get sizeBytes(): number {
    return this.#init.sizeBytes
  }

  /** Bytes from `offset` on, as far as they lie in one piece; empty at the end of the file alone. */
  async read(offset: number): Promise<Uint8Array> {
    if (offset >= this.#init.sizeBytes) return new Uint8Array(0)
    const number = Math.floor(offset / this.#init.blockBytes)
    let skipped = offset - number * this.#init.blockBytes
    for (const piece of await this.#block(number).pieces) {
      if (skipped < piece.byteLength) return piece.subarray(skipped)
      skipped -= piece.byteLength
    }
    throw new RangeError('the block is shorter than was asked for')
  }

  /** Starts to fetch the blocks that begin in a range, those that are there left out. */
  fetchAhead(start: number, end: number): void {
    const { blockBytes, sizeBytes } = this.#init
    const limit = Math.min(end, sizeBytes)
    for (let number = Math.ceil(start / blockBytes); number * blockBytes < limit; number++) {
      if (!this.#blocks.has(number)) this.#block(number).pieces.catch(() => {})
    }
  }

  /** The end of the block that holds the byte before `offset`, and of those behind it that are there already. */
  endOfKnown(offset: number): number {
    const { blockBytes, sizeBytes } = this.#init
    let number = Math.ceil(offset / blockBytes)
    while (this.#blocks.has(number)) number++
    return Math.min(number * blockBytes, sizeBytes)
  }

  close(): void {
    this.#closed.abort(new Error('the source is no longer needed'))
    this.#blocks.clear()
  }

  #block(number: number): Block {
    const known = this.#blocks.get(number)
    if (known !== undefined) {
      this.#blocks.delete(number)
      this.#blocks.set(number, known)
      return known
    }
    const offset = number * this.#init.blockBytes
    const length = Math.min(this.#init.blockBytes, this.#init.sizeBytes - offset)
    const block = { pieces: this.#init.read(offset, length, { signal: this.#closed.signal }) }
    // A failure is not kept: the next reader tries anew.
    block.pieces.catch(() => {
      if (this.#blocks.get(number) === block) this.#blocks.delete(number)
    })
    this.#blocks.set(number, block)
    if (this.#blocks.size > this.#init.blocksMax) {
      const [oldest] = this.#blocks.keys()
      if (oldest !== undefined) this.#blocks.delete(oldest)
    }
    return block
  }
}
