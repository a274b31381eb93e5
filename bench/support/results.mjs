/** What has been measured, a line of JSON each, so that nothing is measured twice and a stop loses nothing. */
import { appendFile, readFile } from 'node:fs/promises'

export async function openResults(path) {
  const known = new Map()
  const text = await readFile(path, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  for (const line of text.split('\n')) {
    // The last line of a run that was killed may be half a line.
    if (!line.endsWith('}')) continue
    const { key, value } = JSON.parse(line)
    known.set(JSON.stringify(key), value)
  }
  return {
    async once(key, act) {
      const name = JSON.stringify(key)
      if (!known.has(name)) {
        const value = await act()
        await appendFile(path, `${JSON.stringify({ key, value })}\n`)
        known.set(name, value)
      }
      return known.get(name)
    },
  }
}
