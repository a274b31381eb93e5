/** Small files that are there whole or not at all, whenever this machine stops. */
import { randomBytes } from 'node:crypto'
import { link, open, rename, rm } from 'node:fs/promises'
import { isErrno } from './errno.ts'

/**
 * Written beside, flushed and put in place; for this user's eyes alone.
 *
 * @param options.overwrite where nothing may be replaced, whoever is first wins
 * @throws EEXIST; whatever else the file system says
 */
export async function writeWhole(
  path: string,
  content: string | Uint8Array,
  { overwrite = true }: { overwrite?: boolean } = {},
): Promise<void> {
  const beside = `${path}.${randomBytes(4).toString('hex')}.new`
  try {
    const file = await open(beside, 'wx', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    if (overwrite || !(await linkTo(beside, path))) await rename(beside, path)
    else await rm(beside)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}

/** @returns whether this file system has hard links, which never replace anything */
async function linkTo(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (isErrno(error, 'EPERM', 'ENOTSUP', 'ENOSYS', 'EXDEV', 'EMLINK')) return false
    throw error
  }
}
