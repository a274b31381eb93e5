/** Directories that go away with the test. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'ffswarm-test-'))
  onTestFinished(async () => await rm(path, { recursive: true, force: true }))
  return path
}
