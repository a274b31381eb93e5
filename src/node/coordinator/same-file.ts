/** Whether two paths lead to one file, however they are written. */
import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

export async function isSameFile(one: string, other: string): Promise<boolean> {
  if (resolve(one) === resolve(other)) return true
  const [a, b] = await Promise.all([one, other].map((path) => stat(path).catch(() => undefined)))
  if (a !== undefined && b !== undefined) return a.dev === b.dev && a.ino === b.ino
  // One of them is still to be written.
  return (await realPlace(one)) === (await realPlace(other))
}

async function realPlace(path: string): Promise<string> {
  const whole = resolve(path)
  const directory = await realpath(dirname(whole)).catch(() => dirname(whole))
  return join(directory, basename(whole))
}
