/** What one run may use at most, by `prlimit` (util-linux): pure words. */
import type { Access } from '../../media/index.ts'

/** A bomb that unpacks to more than the machine has ends itself, and not its neighbours. */
export function limitWords(prlimit: string, memoryBytes: number, { fileBytesMax }: Access): string[] {
  return [
    prlimit,
    ...[`--data=${Math.max(memoryBytes, MEMORY_BYTES_MIN)}`, '--core=0'],
    ...(fileBytesMax === undefined ? [] : [`--fsize=${fileBytesMax}`]),
    '--',
  ]
}

/** Encoders of large pictures with many threads reserve as much without ever using it. */
const MEMORY_BYTES_MIN = 4 * 2 ** 30
