/** Room on the disks that a job writes to: where there is none for more it waits, says so, and goes on by itself. */
import { freeBytes, inMegabytes, ROOM_BYTES, shareDisk, waitForSpace } from '../disk-space.ts'
import type { JobEvent } from './events.ts'
import { JobError } from './failure.ts'

/** Segments differ: some take more than most. */
const MARGIN = 1.5
/** From so much of the film on its segments tell how large it will be. */
const TELLING_PART = 0.03

/** Segments that lie on the disk. */
export interface Stored {
  readonly bytes: number
  readonly frames: number
}

/**
 * Bytes that are to be kept free for the segments under way and for one more, as large as the largest of them; 0 while none is
 * there to tell.
 *
 * @param underWay frames of each
 */
export function reservedBytes({ bytes, frames }: Stored, underWay: readonly number[]): number {
  if (frames === 0) return 0
  const wanted = underWay.reduce((sum, one) => sum + one, Math.max(0, ...underWay))
  return Math.ceil((MARGIN * bytes * wanted) / frames)
}

/** About how many bytes the film's segments will take in all; undefined while too little is there to tell. */
export function forecastBytes({ bytes, frames }: Stored, totalFrames: number): number | undefined {
  if (frames === 0 || frames < TELLING_PART * totalFrames) return undefined
  return Math.round((bytes * Math.max(frames, totalFrames)) / frames)
}

/**
 * What must be free before more is begun on a disk that was found full: twice what was reserved, where that is known and would have
 * made a difference.
 */
export function enoughBytes(reserved: number, free: number): number {
  return 2 * reserved > free ? 2 * reserved : Math.max(ROOM_BYTES, free + 1)
}

export class Space {
  readonly #init: SpaceInit
  #waiting: Promise<void> | undefined
  #isLooking = false
  #isForewarned = false
  /** As of the last look. */
  #reserved = 0

  constructor(init: SpaceInit) {
    this.#init = init
  }

  /** Nothing is to be begun. */
  get isFull(): boolean {
    return this.#waiting !== undefined
  }

  /**
   * Resolves when there is room; who asks meanwhile waits for the same.
   *
   * @param bytes that are needed, where that is known
   * @throws the signal's reason
   */
  wait(bytes = 0): Promise<void> {
    this.#waiting ??= this.#wait(bytes).finally(() => {
      this.#waiting = undefined
    })
    return this.#waiting
  }

  /**
   * Looks whether what is under way will fit, and tells once where all of the film will not.
   *
   * @param underWay frames of each segment
   * @returns the bytes to wait for; 0: there is room
   */
  async look(stored: Stored, underWay: readonly number[]): Promise<number> {
    if (this.isFull || this.#isLooking) return 0
    this.#isLooking = true
    try {
      const { segments } = this.#init
      const free = await freeBytes(segments)
      await this.#foretell(stored, free)
      const reserved = reservedBytes(stored, underWay)
      this.#reserved = reserved
      return free < reserved ? reserved : 0
    } finally {
      this.#isLooking = false
    }
  }

  async #foretell(stored: Stored, freeForSegments: number): Promise<void> {
    const { segments, output, totalFrames, emit } = this.#init
    const film = forecastBytes(stored, totalFrames())
    if (this.#isForewarned || film === undefined) return
    const isOneDisk = await shareDisk(segments, output)
    const needs = [
      { directory: segments, bytes: film - stored.bytes + (isOneDisk ? film : 0), free: freeForSegments },
      ...(isOneDisk ? [] : [{ directory: output, bytes: film, free: await freeBytes(output) }]),
    ]
    for (const { directory, bytes, free } of needs) {
      if (free >= bytes) continue
      this.#isForewarned = true
      const message = `about ${inMegabytes(bytes)} more will be needed in ${directory}, where ${inMegabytes(free)} are free: make room meanwhile, as the job waits once it is full`
      emit({ event: 'warning', message })
    }
  }

  async #wait(bytes: number): Promise<void> {
    const { segments, emit, signal } = this.#init
    const wanted = bytes > 0 ? bytes : enoughBytes(this.#reserved, await freeBytes(segments))
    await pauseForSpace({ code: 'WORK_DISK_FULL', directory: segments, bytes: wanted }, { emit, signal })
  }
}

export interface SpaceInit {
  /** Where segments lie. */
  segments: string
  /** Where the output will. */
  output: string
  /** As far as it is known. */
  totalFrames(): number
  signal: AbortSignal
  emit(event: JobEvent): void
}

/** Says that there is no room, waits for it, and says that there is some. @throws the signal's reason */
export async function pauseForSpace(
  failure: { code: 'WORK_DISK_FULL' | 'OUTPUT_DISK_FULL'; directory: string; bytes: number },
  { emit, signal }: Pick<SpaceInit, 'emit' | 'signal'>,
): Promise<void> {
  const { code, message } = new JobError(failure)
  emit({ event: 'paused', code, message })
  await waitForSpace(failure.directory, failure.bytes, { signal })
  emit({ event: 'continued' })
}
