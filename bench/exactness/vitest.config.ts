import { defineConfig } from 'vitest/config'
import TableReporter from './table-reporter.ts'

export default defineConfig({
  test: {
    include: ['bench/exactness/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    maxWorkers: 1,
    // What a cell takes is mostly the time of one ffmpeg after another.
    sequence: { concurrent: true },
    maxConcurrency: 3,
    reporters: ['default', new TableReporter({ path: 'tmp/exactness.md' })],
  },
})
