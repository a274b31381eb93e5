/** Control groups of Linux, by version 1 or 2 of the interface: whoever is in one may use a part of a core. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failed } from '../../scripts/support/swarm.mjs'

// A quota of less than a millisecond is none.
const PERIOD_US = 100_000

/**
 * @param {string} name of the group
 * @param {number} part of a core
 * @returns `prefix`: words before a command that runs in it; `limit(part)` changes the part; `used()` tells the CPU seconds that it has taken; `remove()` works once it is empty
 */
export async function makeGroup(name, part) {
  const isFirst = existsSync('/sys/fs/cgroup/cpu')
  const path = join(isFirst ? '/sys/fs/cgroup/cpu' : '/sys/fs/cgroup', name)
  // By version 1 of the interface who counts is another than who limits.
  const counter = isFirst ? join('/sys/fs/cgroup/cpuacct', name) : path
  const paths = [...new Set([path, counter])]
  try {
    for (const one of paths) await mkdir(one, { recursive: true })
  } catch (error) {
    throw new Failed(`no control group can be made here (${error.message}): run it as root`)
  }
  const limit = async (cores) => {
    const quota = Math.round(cores * PERIOD_US)
    if (!isFirst) return await writeFile(join(path, 'cpu.max'), `${quota} ${PERIOD_US}`)
    await writeFile(join(path, 'cpu.cfs_period_us'), `${PERIOD_US}`)
    await writeFile(join(path, 'cpu.cfs_quota_us'), `${quota}`)
  }
  await limit(part)
  return {
    limit,
    prefix: [
      ...['sh', '-c'],
      [...paths.map((one) => `echo $$ > ${join(one, 'cgroup.procs')}`), 'exec "$@"'].join(' && '),
      'sh',
    ],
    async used() {
      if (isFirst) return Number(await readFile(join(counter, 'cpuacct.usage'), 'utf8')) / 1e9
      const [, microseconds] = /^usage_usec (\d+)/m.exec(await readFile(join(path, 'cpu.stat'), 'utf8'))
      return Number(microseconds) / 1e6
    },
    async remove() {
      for (const one of paths) await rmdir(one).catch(() => {})
    },
  }
}
