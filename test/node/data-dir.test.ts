import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createDataDir, dataDir } from '../../src/node/data-dir.ts'
import { temporaryDirectory } from '../support/temporary.ts'

test.each([
  [{ FFSWARM_HOME: '/data', XDG_DATA_HOME: '/xdg', HOME: '/home/me' }, '/data'],
  [{ XDG_DATA_HOME: '/xdg', HOME: '/home/me' }, '/xdg/ffswarm'],
  [{ XDG_DATA_HOME: 'relative', HOME: '/home/me' }, '/home/me/.local/share/ffswarm'],
  [{ FFSWARM_HOME: '', HOME: '/home/me' }, '/home/me/.local/share/ffswarm'],
])('%o gives %s', (env, path) => {
  expect(dataDir(env, 'linux')).toBe(path)
})

test('the directory is made for its user alone', async () => {
  const path = join(await temporaryDirectory(), 'a', 'b')
  expect(await createDataDir({ FFSWARM_HOME: path })).toBe(path)
  expect((await stat(path)).mode & 0o777).toBe(0o700)
})

test.each([
  '/dev/null/x',
  // A directory that takes none: Node's own way to make one never ends there.
  ...(process.platform === 'linux' ? ['/proc/none/x'] : []),
])('a directory that cannot be made is named: %s', async (path) => {
  await expect(createDataDir({ FFSWARM_HOME: path })).rejects.toMatchObject({
    failure: { code: 'DATA_DIR_UNUSABLE', path },
  })
})
