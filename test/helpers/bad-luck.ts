/** Bad luck for a node that runs: its clock is set, or what it reads to send it is not what it wrote. */
import { rm, writeFile } from 'node:fs/promises'

const LOADED_FIRST = new URL('bad-luck.mjs', import.meta.url)

export const BAD_READS = ['flipped', 'short', 'failing', 'stalled'] as const

/** The environment of a node that can have it. */
export function withBadLuck(home: string): { BAD_LUCK: string; NODE_OPTIONS: string } {
  return { BAD_LUCK: home, NODE_OPTIONS: `--import=${LOADED_FIRST}` }
}

/** The time of day is another one, until it is set to 0. */
export async function setClock(home: string, aheadMs: number): Promise<void> {
  await writeFile(`${home}.clock`, `${aheadMs}`)
}

/** The bytes of finished segments, as they are sent. */
export async function spoilReads(home: string, how: (typeof BAD_READS)[number]): Promise<void> {
  await writeFile(`${home}.reads`, how)
}

export async function mendReads(home: string): Promise<void> {
  await rm(`${home}.reads`, { force: true })
}
