import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes minutes, in this order; everything else takes seconds. */
const LONG = ['/test/media/exactness/', '/test/node/verify', '/test/cli/', '/test/lab/']

/** The long files first, so that all workers are busy until the end, on a fresh checkout too. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.sort((a, b) => rank(a.moduleId) - rank(b.moduleId))
  }
}

function rank(path: string): number {
  const place = LONG.findIndex((part) => path.includes(part))
  return place === -1 ? LONG.length : place
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Whatever is set on the machine that tests.
    env: { FFSWARM_CONFIG: '' },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // One more than the least of cores: many tests wait for processes, or for time to pass.
    maxWorkers: 3,
    sequence: { sequencer: LongFirst },
  },
})
